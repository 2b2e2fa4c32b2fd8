#include "provider/keeper/issuing/spent_tokens.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "program/hex_text.h"
#include "provider/keeper/log.h"

namespace detach {
namespace {

constexpr off_t kLine = kSha256Digits + 1;
constexpr off_t kMaxSize = off_t{64} << 20;

std::string SystemError(const std::string& path) { return path + ": " + std::strerror(errno); }

// FileLock keeps other keepers out while it lives.
class FileLock {
 public:
  explicit FileLock(int file) : file_(file) {
    int result = 0;
    do {
      result = ::flock(file, LOCK_EX);
    } while (result != 0 && errno == EINTR);
    held_ = result == 0;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() {
    if (held_) ::flock(file_, LOCK_UN);
  }

  bool held() const { return held_; }

 private:
  int file_;
  bool held_ = false;
};

Status Check(int file, const std::string& path) {
  struct stat status = {};
  if (::fstat(file, &status) != 0) return Misuse(SystemError(path));
  if (!S_ISREG(status.st_mode)) return Misuse(path + ": is not a regular file");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Misuse(path + ": may be written by its group or by everybody; run: chmod go-w");
  }
  // By flock(2).
  if ((status.st_mode & S_IROTH) != 0) {
    return Misuse(path + ": may be read, and so locked, by everybody; run: chmod o-r");
  }
  return {};
}

// Without this a new file may be gone after a crash of the machine.
Status SyncFolder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return Misuse(SystemError(folder));
  return {};
}

}  // namespace

Result<std::unique_ptr<SpentTokens>> SpentTokens::Open(const std::string& path) {
  UniqueFd file(::open(path.c_str(),
                       O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file.valid()) {
    return Misuse(SystemError(path) +
                  (errno == ENOENT ? "; the keeper makes it, but not its folder" : ""));
  }
  if (Status status = Check(file.get(), path); !status.ok()) return status;
  if (Status status = SyncFolder(path); !status.ok()) return status;
  std::unique_ptr<SpentTokens> tokens(new SpentTokens(path, std::move(file)));
  const FileLock lock(tokens->file_.get());
  if (!lock.held()) return Misuse(SystemError(path));
  if (Status status = tokens->CatchUp(); !status.ok()) return Misuse(status.message());
  return tokens;
}

Result<bool> SpentTokens::IsSpent(const Sha256& token) {
  const std::lock_guard<std::mutex> one_thread(mutex_);
  const FileLock one_keeper(file_.get());
  if (!one_keeper.held()) return Failed("flock");
  if (Status status = CatchUp(); !status.ok()) return status;
  return spent_.count(token) != 0;
}

Result<bool> SpentTokens::Spend(const Sha256& token) {
  const std::lock_guard<std::mutex> one_thread(mutex_);
  const FileLock one_keeper(file_.get());
  if (!one_keeper.held()) return Failed("flock");
  if (Status status = CatchUp(); !status.ok()) return status;
  if (spent_.count(token) != 0) return false;
  if (Status status = Append(HexText(token) + "\n"); !status.ok()) return status;
  spent_.insert(token);
  known_ += kLine;
  return true;
}

// CatchUp reads what the file holds beyond what is known: other keepers write there, too.
Status SpentTokens::CatchUp() {
  const off_t size = ::lseek(file_.get(), 0, SEEK_END);
  if (size < 0) return Failed("lseek");
  if (size < known_ || size > kMaxSize) {
    return Internal(path_ + ": has become smaller, or is larger than 64 MiB: it cannot be trusted");
  }
  std::string lines(static_cast<std::size_t>(size - known_), '\0');
  std::size_t have = 0;
  while (have < lines.size()) {
    const ssize_t n = ::pread(file_.get(), lines.data() + have, lines.size() - have,
                              known_ + static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("pread");
    have += static_cast<std::size_t>(n);
  }
  return Take(lines);
}

Status SpentTokens::Take(std::string_view lines) {
  while (true) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return Mend(lines);
    const std::optional<Sha256> hash = ParseSha256(lines.substr(0, end));
    if (!hash) {
      return Internal(path_ + ":" + std::to_string(known_ / kLine + 1) +
                      ":1: is no spent token, 64 lower-case hex digits; restore the file");
    }
    spent_.insert(*hash);
    known_ += kLine;
    lines.remove_prefix(end + 1);
  }
}

// Mend makes a whole line of `tail`, or none. Nobody is writing it: that takes the lock.
Status SpentTokens::Mend(std::string_view tail) {
  if (tail.empty()) return {};
  const std::optional<Sha256> hash = ParseSha256(tail);
  LogEvent("warning", "spent_tokens_mended",
           {{"file", path_}, {"bytes", tail.size()}, {"taken_for_spent", hash.has_value()}});
  if (!hash) return ::ftruncate(file_.get(), known_) == 0 ? Status() : Failed("ftruncate");
  if (Status status = Append("\n"); !status.ok()) return status;
  spent_.insert(*hash);
  known_ += kLine;
  return {};
}

// Append returns when the disk has `line`. What it leaves half-written is mended later.
Status SpentTokens::Append(std::string_view line) {
  const ssize_t written = ::write(file_.get(), line.data(), line.size());
  if (written < 0) return Failed("write");
  if (written != static_cast<ssize_t>(line.size())) return Internal(path_ + ": the disk is full");
  return ::fdatasync(file_.get()) == 0 ? Status() : Failed("fdatasync");
}

Status SpentTokens::Failed(const char* what) const {
  return Internal(path_ + ": " + what + ": " + std::strerror(errno));
}

}  // namespace detach
