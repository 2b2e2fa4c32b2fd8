// TlsLeg: a TlsSession on a socket, in coroutines.
#ifndef DETACH_PROXIES_TUNNEL_TLS_LEG_H_
#define DETACH_PROXIES_TUNNEL_TLS_LEG_H_

#include <asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/session/tls_session.h"
#include "bio/status.h"
#include "proxies/net/async_io.h"

namespace detach {

// TlsLeg moves the bytes of one session to and from its socket. Reading and writing may each wait
// in a coroutine of their own, on one executor. Deadlines are the owner's: it cancels the socket.
class TlsLeg {
 public:
  // Bytes of one direction that are received and not yet passed on, at most.
  static constexpr std::size_t kMaxHeld = 64 * 1024;

  // `socket` is connected and non-blocking.
  explicit TlsLeg(Socket socket) : socket_(std::move(socket)) {}

  Socket& socket() noexcept { return socket_; }
  TlsSession& session() noexcept { return session_; }

  // Handshake upgrades with `backend` and returns when TLS is established. Where that fails, the
  // alert has been sent.
  asio::awaitable<Status> Handshake(std::unique_ptr<TlsBackend> backend);

  // Read is TlsSession::Read that waits for input: never kWantInput.
  asio::awaitable<Result<ReadResult>> Read(std::span<std::uint8_t> bytes);

  // TryRead does not wait: kWantInput until WaitReadable(socket()) has returned.
  Result<ReadResult> TryRead(std::span<std::uint8_t> bytes);

  // Write is TlsSession::Write of all of `bytes`, and Flush.
  asio::awaitable<Status> Write(std::span<const std::uint8_t> bytes);

  // Flush sends all of the session's output.
  asio::awaitable<Status> Flush();

 private:
  Result<bool> TryFill();
  void SendAnswers();

  Socket socket_;
  TlsSession session_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_TLS_LEG_H_
