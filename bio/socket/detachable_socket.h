// DetachableSocket: a blocking TCP connection that can be upgraded to TLS and detached from it.
#ifndef DETACH_BIO_SOCKET_DETACHABLE_SOCKET_H_
#define DETACH_BIO_SOCKET_DETACHABLE_SOCKET_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bio/backend/tls_backend.h"
#include "bio/session/tls_session.h"
#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// How long a call blocks that is given no deadline of its own.
struct SocketTimeouts {
  std::chrono::milliseconds call{30'000};
  std::chrono::milliseconds detach{5'000};  // of Detach, where the peer has to answer
};

// DetachableSocket is a TlsSession and the descriptor below it, for programs that block.
//
// A connection starts raw. Every call that blocks has a deadline; where the argument is left out,
// it is made of SocketTimeouts. A deadline that passes is kTransport. After that of Read nothing
// has changed, and Read may be called again; after that of any other call the socket has failed,
// and every later call says the same.
//
// Where the transport fails while sending, Read still returns what the peer had sent before.
// The destructor closes the descriptor and sends nothing: under TLS, the peer sees a truncation.
//
// Raises no SIGPIPE. One thread at a time. Movable; what was moved from may only be destroyed or
// assigned to.
class DetachableSocket {
 public:
  // What Release hands over.
  struct Released {
    UniqueFd fd;     // blocking, or as it was adopted
    Bytes leftover;  // received, not read: they come before what the descriptor delivers
  };

  // Connect opens a connection to `host` (a name or an address literal); Accept takes the next one
  // of the listening descriptor `listener` (borrowed); see ConnectTcp, AcceptTcp. kTransport.
  static Result<DetachableSocket> Connect(const std::string& host, std::uint16_t port,
                                          SocketTimeouts timeouts = {});
  static Result<DetachableSocket> Accept(int listener, SocketTimeouts timeouts = {});

  // Adopts a connected stream socket; its flags stay as they are.
  explicit DetachableSocket(UniqueFd fd, SocketTimeouts timeouts = {});

  // Upgrade makes both directions TLS: a whole handshake, with a new backend of `context`. Bytes
  // that were received and not read become TLS input (TlsSession::Upgrade says why).
  Status Upgrade(TlsContext& context, std::optional<Deadline> deadline = {});

  // Write sends all of `bytes`: under TLS or raw, as the sending direction is.
  Status Write(std::span<const std::uint8_t> bytes, std::optional<Deadline> deadline = {});

  // Read returns what came next: bytes (never of both origins), kPeerDetached, or kEnd; it never
  // returns kWantInput. See TlsSession::Read.
  Result<ReadResult> Read(std::span<std::uint8_t> bytes, std::optional<Deadline> deadline = {});

  // Detach is the full one: it sends our close_notify, unless that has gone, and waits for the
  // peer's, unless that has been read. Both ends have agreed to be silent under TLS by now.
  // Once it has returned ok: both directions are raw and there is no TLS object; Read returns the
  // leftover first; Write writes raw; Upgrade and Release may be called.
  // Where it fails, the socket has failed: kTransport (nothing came within the deadline),
  // kTruncated (the peer ended without a close_notify), kViolation (it sent data instead), kMisuse
  // (nothing here is TLS).
  Status Detach(std::optional<Deadline> deadline = {});

  // DetachSending ends TLS in our direction alone, and sends `raw` right behind the close_notify,
  // in one segment where it fits. The peer's direction stays TLS until Read returns kPeerDetached.
  // TLS 1.2 has no such state (RFC 5246 §7.2.1): there `raw` must be empty, and Write is kMisuse
  // until then.
  Status DetachSending(std::span<const std::uint8_t> raw = {},
                       std::optional<Deadline> deadline = {});

  // Release gives the descriptor away. kMisuse unless both directions are raw. Afterwards every
  // call is kMisuse.
  Result<Released> Release(std::optional<Deadline> deadline = {});

  // session answers what is known: state, Summary, Export, peer_alert. Lives as long as the socket.
  const TlsSession& session() const noexcept { return *session_; }

 private:
  Status Push();
  Status Flush(const Deadline& deadline);
  Result<bool> Fill(const Deadline& deadline);
  Result<bool> Receive();
  Status AwaitHandshake(const Deadline& deadline);
  Status AwaitCloseNotify(const Deadline& deadline);
  Status Fail(Status status);
  Status Ended(Status status);

  UniqueFd fd_;
  SocketTimeouts timeouts_;
  std::unique_ptr<TlsSession> session_ = std::make_unique<TlsSession>();
  bool close_notify_due_ = false;  // from Upgrade until the session has reported kPeerDetached
  Status failure_;       // the first of the socket's own, for ever; the session has its own
  Status send_failure_;  // ends sending at once, and receiving when all is read
};

}  // namespace detach

#endif  // DETACH_BIO_SOCKET_DETACHABLE_SOCKET_H_
