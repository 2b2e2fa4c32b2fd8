// TlsSession: a connection that both ends can upgrade to TLS, leave, and enter again; without I/O.
#ifndef DETACH_BIO_SESSION_TLS_SESSION_H_
#define DETACH_BIO_SESSION_TLS_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "bio/backend/tls_backend.h"
#include "bio/record/record_gate.h"
#include "bio/session/byte_queue.h"
#include "bio/session/state_table.h"
#include "bio/status.h"

namespace detach {

// Origin says what a byte travelled in. A read returns bytes of one origin, never of both.
enum class Origin {
  kTls,  // decrypted and authenticated
  kRaw,  // as it lay on the wire
};

enum class ReadEvent {
  kBytes,         // `size` bytes of `origin`, at least 1
  kWantInput,     // nothing to read before the transport delivers more
  kPeerDetached,  // the peer's direction was TLS and is raw from here on; reported once a detach
  kEnd,           // the transport ended a raw direction
};

struct ReadResult {
  ReadEvent event;
  Origin origin = Origin::kRaw;
  std::size_t size = 0;
};

// TlsSession owns both directions of one connection above the transport: the record gate, the state
// table, the backend while there is one, and one ordered output queue.
//
//   transport bytes in:   ReceiveSpace, Received, ReceivedEnd
//   transport bytes out:  Output, OutputWritten
//   the application:      Upgrade, Write, Read, Detach
//
// A connection starts raw in both directions. The owner moves bytes between the transport and the
// session whenever there are any: after each call, Output may have grown.
//
// Errors: kMisuse refuses the call and changes nothing. Any other is latched: every later call
// returns it. Output may then hold one last alert, never anything behind a close_notify. Deadlines
// are the owner's. May throw std::bad_alloc. One thread at a time.
class TlsSession final : private TlsBackend::Sink {
 public:
  // What Output may hold before Write accepts no more.
  static constexpr std::size_t kMaxOutput = 64 * 1024;

  TlsSession() = default;
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // --- the transport ---

  // ReceiveSpace returns where the next bytes from the transport go, at most RecordGate::kChunk.
  // Empty: the application has not read what is here; stop reading from the transport. So a
  // connection never holds more than kChunk bytes that were received.
  std::span<std::uint8_t> ReceiveSpace();

  // Received says that the transport wrote `size` bytes to the front of ReceiveSpace, and processes
  // them as far as it can without the application. 0: nothing came after all; the space is freed,
  // so that a connection which waits holds none.
  Status Received(std::size_t size);

  // ReceivedEnd says that the transport ended (FIN). An end where a close_notify is due is
  // kTruncated, never a detach (RFC 9846 §6.1).
  Status ReceivedEnd();

  // Output returns what goes to the transport next, in order. Empty: nothing. Valid until the next
  // non-const call.
  std::span<const std::uint8_t> Output() const noexcept { return output_.front(); }

  // OutputWritten says that the transport took the first `size` bytes of Output.
  void OutputWritten(std::size_t size) noexcept;

  // --- the application ---

  // Upgrade starts TLS in both directions with `backend`; bytes that were received and not read
  // become its input, never the application's (RFC 3207 §4.2 and CVE-2011-0411 say why).
  // kMisuse unless both directions are raw and all that came under the last TLS has been read.
  Status Upgrade(std::unique_ptr<TlsBackend> backend);

  // Write queues `bytes` in the form that the sending direction has: TLS or raw. Returns how many
  // it took: fewer than all where Output would hold more than kMaxOutput bytes. kMisuse during the
  // handshake, and between a TLS 1.2 close_notify and the end of its exchange.
  Result<std::size_t> Write(std::span<const std::uint8_t> bytes);

  // Read returns what came next. Bytes of each origin, the detach between them and the end are
  // separate results. kTruncated where the transport ended under TLS.
  Result<ReadResult> Read(std::span<std::uint8_t> bytes);

  // Detach ends TLS in the sending direction: the close_notify is queued behind everything written.
  //   TLS 1.3: at once; what is written next is raw. The receiving direction goes on under TLS
  //            until Read returns kPeerDetached.
  //   TLS 1.2: when both close_notifys have crossed; until then Write is kMisuse. The peer must be
  //            silent too. Where the peer closed first, the session has answered already, and
  //            Detach says that the application knows.
  // Once state() is {kRaw, kRaw}: there is no TLS object; nothing of it will be written; unread
  // bytes are the leftover, which Read returns as Origin::kRaw; Upgrade may begin again.
  // kMisuse unless the sending direction is TLS.
  Status Detach();

  // UpdateKeys: see TlsBackend.
  Status UpdateKeys();

  // --- what is known ---

  State state() const noexcept { return state_; }
  bool handshake_done() const noexcept {
    return backend_ != nullptr && state_.receiving != Receiving::kHandshake;
  }
  // status returns the latched error, or success.
  const Status& status() const noexcept { return failure_; }
  // has_tls reports whether a TLS object exists.
  bool has_tls() const noexcept { return backend_ != nullptr; }
  // unread returns the bytes received that the application has not read and TLS has not taken.
  std::size_t unread() const noexcept { return gate_.held() + pending_.size(); }

  // half_detach reports whether one direction can leave TLS while the other stays (see Detach).
  bool half_detach() const noexcept { return handshake_done() && backend_->half_detach(); }

  // These ask the backend: kMisuse while there is none or its handshake is not done.
  Result<Bytes> Export(std::string_view label, std::span<const std::uint8_t> context,
                       std::size_t size) const;
  Result<HandshakeSummary> Summary() const;
  // peer_alert outlives the backend's failure: nullopt where the peer sent no fatal alert.
  std::optional<std::uint8_t> peer_alert() const noexcept;

 private:
  void OnRecords(std::span<const std::uint8_t> records) override;
  void OnPlaintext(std::span<const std::uint8_t> bytes) override;
  void OnHandshakeDone() override;
  void OnCloseNotify() override;

  Status Process();
  Status ProcessRecord(std::span<const std::uint8_t> record);
  Status CheckEnd();
  Status Take(Event event);
  Status Fail(Status status);
  Status BackendReady() const;

  State state_;
  Status failure_;                       // the first error, for ever
  std::unique_ptr<TlsBackend> backend_;  // null exactly when state_ is {kRaw, kRaw}
  RecordGate gate_;
  ByteQueue output_;
  ByteQueue pending_;                // plaintext of one record that the application has not read
  bool close_notify_ = false;        // reported by the backend in the call that is running
  const char* violation_ = nullptr;  // likewise: what the peer did in a state that forbids it
  bool peer_detached_ = false;       // to be reported by Read when pending_ is empty
  bool transport_ended_ = false;
};

}  // namespace detach

#endif  // DETACH_BIO_SESSION_TLS_SESSION_H_
