#include "program/trusted_file.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bio/socket/unique_fd.h"
#include "program/file_access.h"

namespace detach {
namespace {

constexpr off_t kMaxSize = off_t{64} << 20;  // a CRL of a large CA has some ten MiB

Status Refuse(const std::string& path, const std::string& why) { return Misuse(path + ": " + why); }

enum class Readers { kAnybody, kOwnerAndGroup };

Status CheckTrusted(const std::string& path, const struct stat& file, Readers readers) {
  if (!S_ISREG(file.st_mode)) return Refuse(path, "is not a regular file");
  if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Refuse(path, "may be written by its group or by everybody; run: chmod go-w");
  }
  if (readers == Readers::kOwnerAndGroup && (file.st_mode & S_IROTH) != 0) {
    return Refuse(path, "is secret, and may be read by everybody; run: chmod o-r");
  }
  if (file.st_size > kMaxSize) return Refuse(path, "is larger than 64 MiB");
  return {};
}

std::string WhyUnreadable(int error) {
  const std::string reason = std::strerror(error);
  if (error != EACCES || ReadablePaths().empty()) return reason;
  return reason + "; since its start this process reads only " + ReadablePaths() +
         "; to add or to replace a folder, restart it";
}

Result<std::string> Read(const std::string& path, Readers readers) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat file = {};
  if (!fd.valid() || ::fstat(fd.get(), &file) != 0) return Refuse(path, WhyUnreadable(errno));
  if (Status status = CheckTrusted(path, file, readers); !status.ok()) return status;
  std::string contents(static_cast<std::size_t>(file.st_size), '\0');
  std::size_t size = 0;
  while (size < contents.size()) {
    const ssize_t n = ::read(fd.get(), contents.data() + size, contents.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Refuse(path, std::strerror(errno));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  contents.resize(size);
  return contents;
}

}  // namespace

Result<std::string> ReadTrustedFile(const std::string& path) {
  return Read(path, Readers::kAnybody);
}

Result<std::string> ReadSecretFile(const std::string& path) {
  return Read(path, Readers::kOwnerAndGroup);
}

Result<std::string> ReadSecretLine(const std::string& path) {
  Result<std::string> text = ReadSecretFile(path);
  if (!text.ok()) return text;
  std::string line = text->substr(0, text->find_first_of("\r\n"));
  ::explicit_bzero(text->data(), text->size());
  if (line.empty()) return Refuse(path, "the first line is empty");
  return line;
}

}  // namespace detach
