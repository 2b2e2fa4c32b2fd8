// TlsBackend: what the library needs of a TLS stack, without I/O.
#ifndef DETACH_BIO_BACKEND_TLS_BACKEND_H_
#define DETACH_BIO_BACKEND_TLS_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// TlsBackend is one TLS connection of one stack: whole records in; records, plaintext and events
// out. Its owner (TlsSession) cuts the records, keeps the order, and decides what an event means.
//
// Contract, shown by tests/bio/backend/conformance:
// * No exception leaves it. The first Status that is not ok ends it: the owner calls nothing but
//   the const members and the destructor afterwards. An alert that tells the peer why comes out of
//   the sink before.
// * The destructor writes nothing.
// * It keeps no byte of a record after Receive has returned; it reads nothing by itself.
// * One thread at a time.
class TlsBackend {
 public:
  // Sink takes what a call brings out, in order, while the call runs. Its members may throw
  // (std::bad_alloc); the backend turns that into kInternal. Must not call the backend.
  class Sink {
   public:
    virtual void OnRecords(std::span<const std::uint8_t> records) = 0;  // for the wire
    virtual void OnPlaintext(std::span<const std::uint8_t> bytes) = 0;  // from the peer, authentic
    virtual void OnHandshakeDone() = 0;
    // The peer's authenticated close_notify. Reported also in mid-handshake, where it proves
    // nothing.
    virtual void OnCloseNotify() = 0;

   protected:
    ~Sink() = default;
  };

  TlsBackend() = default;
  TlsBackend(const TlsBackend&) = delete;
  TlsBackend& operator=(const TlsBackend&) = delete;
  virtual ~TlsBackend() = default;

  // Start begins the handshake; a client's first flight comes out. Called once, before all others.
  virtual Status Start(Sink& sink) noexcept = 0;

  // Receive takes one whole record with its header, or five bytes that are no record header (which
  // the stack must refuse).
  virtual Status Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept = 0;

  // Send protects `plaintext`, all of it, into one record or more. Precondition: handshake done.
  virtual Status Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept = 0;

  // SendCloseNotify writes the alert and nothing after it, ever. Precondition: handshake done,
  // first call. A backend that has answered the peer's close_notify by itself does nothing.
  virtual Status SendCloseNotify(Sink& sink) noexcept = 0;

  // UpdateKeys sends a KeyUpdate that requests one back (RFC 9846 §4.6.3). kMisuse over TLS 1.2.
  virtual Status UpdateKeys(Sink& sink) noexcept = 0;

  // half_detach reports whether one direction can end while the other goes on (RFC 9846 §6.1:
  // TLS 1.3 only). Known once the handshake is done.
  virtual bool half_detach() const noexcept = 0;

  // Export returns `size` bytes of keying material (RFC 9846 §7.5, RFC 5705). kIncompatible over
  // TLS 1.2 without extended_master_secret (RFC 7627).
  virtual Result<Bytes> Export(std::string_view label, std::span<const std::uint8_t> context,
                               std::size_t size) const noexcept = 0;

  // Summary describes the finished handshake.
  virtual Result<HandshakeSummary> Summary() const noexcept = 0;

  // peer_alert returns the description of the fatal alert that the peer sent (RFC 9846 §6), if any.
  virtual std::optional<std::uint8_t> peer_alert() const noexcept = 0;
};

// TlsContext makes the backends of all connections with one configuration. Thread-safe. The
// caller keeps it until its last backend is gone.
class TlsContext {
 public:
  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  virtual ~TlsContext() = default;

  virtual Result<std::unique_ptr<TlsBackend>> NewBackend() noexcept = 0;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_TLS_BACKEND_H_
