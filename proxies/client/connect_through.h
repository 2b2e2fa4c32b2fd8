// CONNECT through a proxy that stands between the two proxies.
#ifndef DETACH_PROXIES_CLIENT_CONNECT_THROUGH_H_
#define DETACH_PROXIES_CLIENT_CONNECT_THROUGH_H_

#include <asio/awaitable.hpp>

#include "bio/status.h"
#include "proxies/net/async_io.h"
#include "proxies/tunnel/authority.h"

namespace detach {

// ConnectThrough asks the proxy at the other end of `socket`, in clear, for a tunnel to `target`.
// Ok: the next byte on `socket` is the target's. kIncompatible where the proxy refuses, kViolation
// where it answers something else. Deadlines are the caller's. `target` outlives the coroutine.
asio::awaitable<Status> ConnectThrough(Socket& socket, const Authority& target);

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_CONNECT_THROUGH_H_
