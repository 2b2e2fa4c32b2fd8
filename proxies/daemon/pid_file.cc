#include "proxies/daemon/pid_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace detach {
namespace {

Status Fail(const std::string& path, const std::string& doing) {
  return Misuse(path + ": cannot " + doing + ": " + std::strerror(errno));
}

bool Lock(const UniqueFd& fd) { return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0; }

// Two processes that start at the same time must not both find a stale file and replace it.
Result<UniqueFd> LockDirectoryOf(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) directory = ".";
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Fail(directory, "open the directory of the pid file");
  if (::flock(fd.get(), LOCK_EX) != 0) return Fail(directory, "lock the directory");
  return fd;
}

std::string FirstLine(int fd) {
  char text[32];
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  const std::string line(text, static_cast<std::size_t>(size > 0 ? size : 0));
  return line.substr(0, line.find('\n'));
}

Status CheckNotHeld(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return errno == ENOENT ? Status() : Fail(path, "read the pid file");
  if (Lock(fd)) return {};
  return Misuse(path + ": process " + FirstLine(fd.get()) + " runs already; stop it first");
}

// The file is whole and locked before it has its name.
Result<UniqueFd> WriteLocked(const std::string& path) {
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  UniqueFd fd(::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return Fail(draft, "create the pid file");
  const std::string line = std::to_string(::getpid()) + "\n";
  const bool written = ::write(fd.get(), line.data(), line.size()) == std::ssize(line);
  if (!written || !Lock(fd) || ::rename(draft.c_str(), path.c_str()) != 0) {
    Status status = Fail(path, "write the pid file");
    ::unlink(draft.c_str());
    return status;
  }
  return fd;
}

}  // namespace

Result<PidFile> PidFile::Create(const std::string& path) {
  const Result<UniqueFd> directory = LockDirectoryOf(path);
  if (!directory.ok()) return directory.status();
  if (Status status = CheckNotHeld(path); !status.ok()) return status;
  Result<UniqueFd> fd = WriteLocked(path);
  if (!fd.ok()) return fd.status();
  return PidFile(path, *std::move(fd));
}

PidFile::~PidFile() {
  if (locked_.valid()) ::unlink(path_.c_str());
}

}  // namespace detach
