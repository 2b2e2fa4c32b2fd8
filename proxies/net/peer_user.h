// Who, on this machine, is at the other end of a loopback connection.
#ifndef DETACH_PROXIES_NET_PEER_USER_H_
#define DETACH_PROXIES_NET_PEER_USER_H_

#include <sys/types.h>

#include <asio/ip/tcp.hpp>

#include "bio/status.h"

namespace detach {

// LoopbackPeerUser returns the user who owns the socket at `peer` that is connected to us at
// `local`: loopback is no boundary between users. Asks the kernel (sock_diag(7)); does not block.
// kTransport where there is no such socket in this network namespace any more, its owner has closed
// it, or it cannot be asked for.
Result<uid_t> LoopbackPeerUser(const asio::ip::tcp::endpoint& peer,
                               const asio::ip::tcp::endpoint& local);

}  // namespace detach

#endif  // DETACH_PROXIES_NET_PEER_USER_H_
