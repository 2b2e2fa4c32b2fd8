// The owner of a file descriptor.
#ifndef DETACH_BIO_SOCKET_UNIQUE_FD_H_
#define DETACH_BIO_SOCKET_UNIQUE_FD_H_

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace detach {

// UniqueFd owns one file descriptor, or none (-1), and closes it when it goes. Movable only.
// errno survives the closing, so that an early return may still report what failed.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }

  // release gives the descriptor to the caller, who closes it; -1 when there is none.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // reset closes what is owned and owns `fd` instead. An EINTR of close() is final on Linux: the
  // descriptor is gone, and trying again would close somebody else's.
  void reset(int fd = -1) noexcept {
    const int saved_errno = errno;
    if (fd_ >= 0) ::close(fd_);
    errno = saved_errno;
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace detach

#endif  // DETACH_BIO_SOCKET_UNIQUE_FD_H_
