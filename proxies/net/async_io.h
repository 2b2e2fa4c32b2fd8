// Coroutines that read and write TCP sockets: try at once, wait only when nothing moves.
#ifndef DETACH_PROXIES_NET_ASYNC_IO_H_
#define DETACH_PROXIES_NET_ASYNC_IO_H_

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "bio/status.h"

namespace detach {

using Socket = asio::ip::tcp::socket;

inline std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A socket given to these functions is non-blocking (MakeNonBlocking) and outlives the coroutine.
// One thread at a time. Cancelling the socket ends every wait with kTransport.

// MakeNonBlocking prepares `socket`: non-blocking, no Nagle delay, closed on exec.
Status MakeNonBlocking(Socket& socket);

// TrySend sends what the kernel takes of `bytes` now, in one sendmsg: 0 when it takes none.
Result<std::size_t> TrySend(Socket& socket, std::span<const std::uint8_t> bytes);

// TryReceive receives what is there now, at most all of `space`.
enum class Arrival {
  kBytes,    // `size` bytes, at least 1
  kEnd,      // the peer's FIN
  kNothing,  // not now: WaitReadable
};
struct Received {
  Arrival arrival;
  std::size_t size = 0;
};
Result<Received> TryReceive(Socket& socket, std::span<std::uint8_t> space);

// WaitReadable returns when TryReceive has something to say, WaitWritable when TrySend takes more.
asio::awaitable<Status> WaitReadable(Socket& socket);
asio::awaitable<Status> WaitWritable(Socket& socket);

// Receive waits until there is something: kBytes or kEnd. `space` must stay where it is.
asio::awaitable<Result<Received>> Receive(Socket& socket, std::span<std::uint8_t> space);

// SendAll sends all of `bytes`, which must stay where they are.
asio::awaitable<Status> SendAll(Socket& socket, std::span<const std::uint8_t> bytes);

// SendFin ends the sending direction.
void SendFin(Socket& socket);

// SetResetOnClose decides whether any close of `socket`, the end of the program too, is an RST.
void SetResetOnClose(Socket& socket, bool on);

// Reset closes `socket` with an RST: the peer must not take what it has for all there was.
void Reset(Socket& socket);

// LingeringClose sends a FIN, then discards what still comes until the peer's FIN or `limit`, then
// closes. A close with unread bytes would be an RST, and the peer would lose the reason it was
// given.
asio::awaitable<void> LingeringClose(Socket socket, std::chrono::milliseconds limit);

}  // namespace detach

#endif  // DETACH_PROXIES_NET_ASYNC_IO_H_
