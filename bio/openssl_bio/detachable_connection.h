// What one detachable BIO holds, and how it drives a TlsSession over the next BIO of the chain.
#ifndef DETACH_BIO_OPENSSL_BIO_DETACHABLE_CONNECTION_H_
#define DETACH_BIO_OPENSSL_BIO_DETACHABLE_CONNECTION_H_

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bio/openssl_bio/record_cursor.h"
#include "bio/session/tls_session.h"
#include "bio/status.h"

namespace detach {

// DetachableConnection gives a TlsSession exactly the record in progress, so that bytes behind a
// close_notify stay in the next BIO; raw bytes go past the session.
//
// Functions that return int follow the BIO convention: > 0 done; otherwise not, with the retry
// flags of `bio` set where it is worth trying again, and else an error on the queue (or errno,
// where the next BIO failed). May throw std::bad_alloc.
class DetachableConnection {
 public:
  // `bio` is the BIO that this belongs to; outlives it.
  explicit DetachableConnection(BIO* bio) : bio_(bio) { session_.emplace(); }
  DetachableConnection(const DetachableConnection&) = delete;
  DetachableConnection& operator=(const DetachableConnection&) = delete;
  // As BIO_f_ssl: with BIO_set_close, sends close_notify if that works at once, and frees the SSL.
  ~DetachableConnection();

  int Read(std::span<std::uint8_t> out, std::size_t* got);
  int Write(std::span<const std::uint8_t> bytes, std::size_t* taken);
  // Handshake takes the handshake to its end, if there is one to be made.
  int Handshake();
  int Flush();
  int Detach();

  // SetSsl takes `ssl` for the next handshake. Where it fails nothing has changed.
  Status SetSsl(SSL* ssl, int close);
  // Reset makes ready for a new handshake with the same SSL on a new connection.
  bool Reset();

  SSL* ssl() const noexcept { return ssl_; }
  bool handshake_begun() const noexcept { return begun_; }
  State state() const noexcept;
  Origin origin() const noexcept { return origin_; }
  // plaintext returns the number of decrypted bytes that the program has not read.
  std::size_t plaintext() const noexcept { return session_->unread() - cursor_.partial(); }

 private:
  int Begin();
  bool Ready();
  void ClearRetry();
  int ReceiveRecordBytes();
  int ReadRaw(std::span<std::uint8_t> out, std::size_t* got);
  int WriteRaw(std::span<const std::uint8_t> bytes, std::size_t* taken);
  int CheckRepeatedWrite(std::span<const std::uint8_t> bytes) const;
  bool WriteDone(std::size_t size) const;
  int SendOutput();
  int SendOutputAndFlush();
  void TrySendOutput();
  void TryCloseNotify();
  int Report(const Status& status);
  void Settle();
  void ReleaseSsl();

  BIO* const bio_;
  SSL* ssl_ = nullptr;                 // ours if BIO_get_shutdown(bio_), else the program's
  bool begun_ = false;                 // session_ has ssl_ as its stack
  std::optional<TlsSession> session_;  // always has a value; Reset makes a new one
  RecordCursor cursor_;
  bool handshaking_ = false;  // until its last flight has left
  bool flush_due_ = false;  // a flight or a close_notify went to the next BIO, which may buffer it
  bool reported_ = false;   // the session's latched error is on the queue, or was

  bool detached_ = false;  // the program called Detach since the last handshake
  bool withheld_ = false;  // the peer's direction is raw, but Detach was not called yet
  Origin origin_ = Origin::kRaw;

  // A write under TLS that could not be finished: 0 <= written_; 0 if there is none.
  std::size_t written_ = 0;                     // how much of it the session has taken
  const std::uint8_t* written_from_ = nullptr;  // where the program had it
};

}  // namespace detach

#endif  // DETACH_BIO_OPENSSL_BIO_DETACHABLE_CONNECTION_H_
