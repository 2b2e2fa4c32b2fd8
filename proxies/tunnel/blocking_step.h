// A step of a coroutine that may block.
#ifndef DETACH_PROXIES_TUNNEL_BLOCKING_STEP_H_
#define DETACH_PROXIES_TUNNEL_BLOCKING_STEP_H_

#include <asio/awaitable.hpp>
#include <functional>

#include "bio/status.h"
#include "proxies/tunnel/thread_room.h"

namespace detach {

// RunBlocking calls `step` in a thread of `room`, and goes on where the coroutine was. Nothing ends
// a step early: who destroys the coroutine meanwhile waits for it, so that it may refer to
// what stands in the coroutine. kInternal where there is no thread to be had.
asio::awaitable<Status> RunBlocking(ThreadRoom& room, std::function<Status()> step);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_BLOCKING_STEP_H_
