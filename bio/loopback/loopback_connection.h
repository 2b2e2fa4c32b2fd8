// Connections to this process itself over 127.0.0.1, which no other process can slip into.
#ifndef DETACH_BIO_LOOPBACK_LOOPBACK_CONNECTION_H_
#define DETACH_BIO_LOOPBACK_LOOPBACK_CONNECTION_H_

#include <cstddef>
#include <cstdint>

#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// LoopbackListener listens on a free port of 127.0.0.1. Whoever is on this machine can connect to
// it: accept by AcceptOwn only, and close it when it has served.
struct LoopbackListener {
  UniqueFd fd;  // non-blocking
  std::uint16_t port = 0;
};

// kTransport where there is no socket to be had.
Result<LoopbackListener> ListenOnLoopback();

// Accepted is a connection, and how many of others were closed before it came.
struct Accepted {
  UniqueFd fd;  // blocking, close-on-exec
  std::size_t strangers = 0;
};

// AcceptOwn takes from `listener` the connection that the socket `own` of this process has made, or
// is making: the one whose far address is `own`'s local address. Every other is closed at once,
// unread, and counted. Both descriptors are borrowed; `listener` is non-blocking. kTransport where
// it does not come within `deadline`.
Result<Accepted> AcceptOwn(int listener, int own, const Deadline& deadline);

// LoopbackConnection is both ends of one TCP connection over 127.0.0.1.
struct LoopbackConnection {
  UniqueFd near;  // both blocking, close-on-exec
  UniqueFd far;   // what AcceptOwn took
  std::size_t strangers = 0;
};

// ConnectLoopback makes one, by a listener that exists for as long as it takes. kTransport.
Result<LoopbackConnection> ConnectLoopback(const Deadline& deadline);

}  // namespace detach

#endif  // DETACH_BIO_LOOPBACK_LOOPBACK_CONNECTION_H_
