// A socket in a program that closes descriptors which it does not know.
#ifndef DETACH_PROVIDER_KEEPER_KNOWN_SOCKET_H_
#define DETACH_PROVIDER_KEEPER_KNOWN_SOCKET_H_

#include <sys/types.h>

#include <tuple>
#include <utility>

#include "bio/socket/unique_fd.h"

namespace detach {

// KnownSocket owns a socket that it would know again. Programs there are that close every
// descriptor when they become daemons, and open something else under the same number: what is not
// the socket any more is neither used nor closed.
class KnownSocket {
 public:
  KnownSocket() = default;
  explicit KnownSocket(UniqueFd socket);
  KnownSocket(KnownSocket&&) = default;
  KnownSocket& operator=(KnownSocket&&) = delete;
  ~KnownSocket() {
    if (!IsThere()) std::ignore = socket_.release();
  }

  int get() const noexcept { return socket_.get(); }

  // IsThere tells whether there is a socket, and the descriptor is still that one.
  bool IsThere() const noexcept;

 private:
  UniqueFd socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_KNOWN_SOCKET_H_
