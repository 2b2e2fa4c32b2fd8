#include "proxies/net/async_io.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "proxies/net/stage_deadline.h"

namespace detach {
namespace {

Status SocketError(const char* what, int error) {
  return Transport(std::string(what) + ": " + std::generic_category().message(error));
}

asio::awaitable<Status> Wait(Socket& socket, Socket::wait_type what) {
  asio::error_code error;
  co_await socket.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return Transport("wait: " + error.message());
  co_return Status();
}

}  // namespace

Status MakeNonBlocking(Socket& socket) {
  asio::error_code error;
  socket.native_non_blocking(true, error);
  // asio leaves it open for programs that this one may start.
  if (!error && ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC) != 0) {
    return SocketError("socket", errno);
  }
  if (!error) socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (error) return Transport("socket: " + error.message());
  return {};
}

Result<std::size_t> TrySend(Socket& socket, std::span<const std::uint8_t> bytes) {
  iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  while (true) {
    const ssize_t size = ::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    if (errno != EINTR) return SocketError("send", errno);
  }
}

Result<Received> TryReceive(Socket& socket, std::span<std::uint8_t> space) {
  while (true) {
    const ssize_t size = ::recv(socket.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (size > 0) return Received{Arrival::kBytes, static_cast<std::size_t>(size)};
    if (size == 0) return Received{Arrival::kEnd};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Received{Arrival::kNothing};
    if (errno != EINTR) return SocketError("receive", errno);
  }
}

asio::awaitable<Status> WaitReadable(Socket& socket) { return Wait(socket, Socket::wait_read); }

asio::awaitable<Status> WaitWritable(Socket& socket) { return Wait(socket, Socket::wait_write); }

asio::awaitable<Result<Received>> Receive(Socket& socket, std::span<std::uint8_t> space) {
  while (true) {
    const Result<Received> received = TryReceive(socket, space);
    if (!received.ok() || received->arrival != Arrival::kNothing) co_return received;
    if (const Status status = co_await WaitReadable(socket); !status.ok()) co_return status;
  }
}

asio::awaitable<Status> SendAll(Socket& socket, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const Result<std::size_t> sent = TrySend(socket, bytes);
    if (!sent.ok()) co_return sent.status();
    bytes = bytes.subspan(*sent);
    if (bytes.empty()) break;
    if (const Status status = co_await WaitWritable(socket); !status.ok()) co_return status;
  }
  co_return Status();
}

void SendFin(Socket& socket) {
  asio::error_code ignored;  // the peer may have gone: then there is nobody to tell
  socket.shutdown(Socket::shutdown_send, ignored);
}

// Past asio, whose destructors switch off the lingering that they know of.
void SetResetOnClose(Socket& socket, bool on) {
  const linger option{.l_onoff = on ? 1 : 0, .l_linger = 0};
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_LINGER, &option, sizeof option);
}

void Reset(Socket& socket) {
  SetResetOnClose(socket, true);
  asio::error_code ignored;
  socket.close(ignored);
}

asio::awaitable<void> LingeringClose(Socket socket, std::chrono::milliseconds limit) {
  SendFin(socket);
  StageDeadline deadline(socket.get_executor());
  deadline.Start("lingering", limit, [&socket] {
    asio::error_code ignored;
    socket.cancel(ignored);
  });
  std::array<std::uint8_t, 4096> discarded;
  while (true) {
    const Result<Received> received = co_await Receive(socket, discarded);
    if (!received.ok() || received->arrival == Arrival::kEnd) break;
  }
}

}  // namespace detach
