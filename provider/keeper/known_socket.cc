#include "provider/keeper/known_socket.h"

#include <sys/stat.h>

namespace detach {

KnownSocket::KnownSocket(UniqueFd socket) : socket_(std::move(socket)) {
  struct stat status = {};
  if (::fstat(socket_.get(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

bool KnownSocket::IsThere() const noexcept {
  struct stat status = {};
  return socket_.valid() && ::fstat(socket_.get(), &status) == 0 && status.st_dev == device_ &&
         status.st_ino == inode_;
}

}  // namespace detach
