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
#include "proxies/tunnel/detach_agreement.h"
#include "proxies/tunnel/thread_room.h"

namespace detach {

// TlsLeg moves the bytes of one session to and from its socket. Reading and writing may each wait
// in a coroutine of their own, on one executor. Deadlines are the owner's: it cancels.
//
// A LoopbackLeg leaves TLS to somebody else, and differs in what is virtual here.
class TlsLeg {
 public:
  // Bytes of one direction that are received and not yet passed on, at most.
  static constexpr std::size_t kMaxHeld = 64 * 1024;

  // `socket` is connected and non-blocking. `room`, which outlives this, has threads for the steps
  // of the handshake, where they may block: for a database to be read, for a signature by a key
  // that is elsewhere. Null: they may not.
  explicit TlsLeg(Socket socket, ThreadRoom* room = nullptr)
      : socket_(std::move(socket)), room_(room) {}
  TlsLeg(const TlsLeg&) = delete;
  TlsLeg& operator=(const TlsLeg&) = delete;
  virtual ~TlsLeg() = default;

  // socket, session: where the bytes come from and go to now.
  Socket& socket() noexcept { return socket_; }
  TlsSession& session() noexcept { return *session_; }

  // Handshake upgrades with `backend` and returns when TLS is established. Where that fails, the
  // alert has been sent.
  virtual asio::awaitable<Status> Handshake(std::unique_ptr<TlsBackend> backend);

  // Cancel ends what waits, with kTransport.
  virtual void Cancel();

  // Read is TlsSession::Read that waits for input: never kWantInput.
  asio::awaitable<Result<ReadResult>> Read(std::span<std::uint8_t> bytes);

  // TryRead does not wait: kWantInput until WaitReadable(socket()) has returned.
  virtual Result<ReadResult> TryRead(std::span<std::uint8_t> bytes);

  // Write is TlsSession::Write of all of `bytes`, and Flush.
  asio::awaitable<Status> Write(std::span<const std::uint8_t> bytes);

  // Flush sends all of the session's output. Behind a Detach of both directions, returns when they
  // are raw.
  virtual asio::awaitable<Status> Flush();

  // ExpectDetach says that the peer may leave TLS once it has read what is written next;
  // ForgetDetach, that it may not any more.
  virtual Status ExpectDetach() { return {}; }
  virtual void ForgetDetach() {}

  // Detach is TlsSession::Detach; sending() what the sending direction is.
  virtual Status Detach() { return session_->Detach(); }
  virtual Sending sending() const { return session_->state().sending; }

  // What the handshake settled.
  virtual Result<HandshakeSummary> Summary() const { return session_->Summary(); }
  virtual OuterConnection outer_connection() const { return *session_; }

 protected:
  // GoOnWith replaces the socket, BeginRaw the session, by one that is raw.
  void GoOnWith(Socket socket) { socket_ = std::move(socket); }
  void BeginRaw() { session_ = std::make_unique<TlsSession>(); }

 private:
  Result<Received> TryReceiveMore();
  Status Take(const Received& received);
  asio::awaitable<Status> TakeWithoutBlocking(Received received);
  Result<bool> TryFill();
  void SendAnswers();

  Socket socket_;
  ThreadRoom* const room_;
  bool cancelled_ = false;
  std::unique_ptr<TlsSession> session_ = std::make_unique<TlsSession>();
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_TLS_LEG_H_
