#include "bio/openssl_bio/detachable_connection.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <utility>

#include "bio/backend/openssl/openssl_backend.h"
#include "bio/openssl_bio/error_queue.h"

namespace detach {
namespace {

int BioSize(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

// What must hold for an SSL that SetSsl takes.
Status CheckFresh(const SSL* ssl) {
  if (Status status = CheckDetachable(ssl); !status.ok()) return status;
  if (!SSL_in_before(ssl)) return Misuse("upgrade: the handshake of this SSL has begun");
  if (SSL_get_rbio(ssl) != SSL_get_wbio(ssl)) {
    return Misuse("upgrade: this SSL reads from one BIO and writes to another; give it one");
  }
  return {};
}

// As BIO_f_ssl: the BIO that `ssl` has becomes the next of `bio`.
void AdoptTransport(BIO* bio, SSL* ssl) {
  BIO* const transport = SSL_get_rbio(ssl);
  if (transport == nullptr) return;
  BIO_up_ref(transport);
  SSL_set_bio(ssl, nullptr, nullptr);
  if (BIO_next(bio) != nullptr) BIO_push(transport, BIO_next(bio));
  BIO_set_next(bio, transport);
}

}  // namespace

DetachableConnection::~DetachableConnection() {
  try {
    if (BIO_get_shutdown(bio_)) TryCloseNotify();
  } catch (...) {
    // Out of memory for a close_notify: the peer sees an end without one, as it should.
  }
  ReleaseSsl();
}

int DetachableConnection::Read(std::span<std::uint8_t> out, std::size_t* got) {
  if (const int result = Handshake(); result <= 0) return result;
  if (withheld_ || out.empty()) return 0;
  while (true) {
    TrySendOutput();
    const Result<ReadResult> read = session_->Read(out);
    if (!read.ok()) return Report(read.status());
    if (read->event == ReadEvent::kBytes) {
      *got = read->size;
      origin_ = read->origin;
      return 1;
    }
    if (read->event == ReadEvent::kPeerDetached) {
      withheld_ = !detached_;
      Settle();
      return 0;
    }
    if (session_->state().receiving == Receiving::kRaw) return ReadRaw(out, got);
    if (const int result = ReceiveRecordBytes(); result <= 0) return result;
  }
}

int DetachableConnection::ReadRaw(std::span<std::uint8_t> out, std::size_t* got) {
  const int size = BIO_read(BIO_next(bio_), out.data(), BioSize(out.size()));
  BIO_copy_next_retry(bio_);
  if (size <= 0) return size;
  *got = static_cast<std::size_t>(size);
  origin_ = Origin::kRaw;
  return 1;
}

// Reads from the next BIO once, no further than to the end of a header or of a record.
int DetachableConnection::ReceiveRecordBytes() {
  const std::span<std::uint8_t> space = session_->ReceiveSpace().first(cursor_.needed());
  BIO* const next = BIO_next(bio_);
  const int size = BIO_read(next, space.data(), BioSize(space.size()));
  BIO_copy_next_retry(bio_);
  if (size <= 0) {
    if (next == nullptr || BIO_should_retry(next) || !BIO_eof(next)) return size;
    return Report(session_->ReceivedEnd());
  }
  cursor_.Advance(space.first(static_cast<std::size_t>(size)));
  const Status status = session_->Received(static_cast<std::size_t>(size));
  return status.ok() ? 1 : Report(status);
}

int DetachableConnection::Write(std::span<const std::uint8_t> bytes, std::size_t* taken) {
  if (const int result = Handshake(); result <= 0) return result;
  if (session_->state().sending == Sending::kRaw) return WriteRaw(bytes, taken);
  if (const int result = CheckRepeatedWrite(bytes); result <= 0) return result;
  while (true) {
    if (const int result = SendOutput(); result <= 0) return result;
    if (WriteDone(bytes.size())) break;
    const std::span<const std::uint8_t> rest = bytes.subspan(written_);
    const Result<std::size_t> written =
        session_->Write(rest.first(std::min<std::size_t>(rest.size(), SSL3_RT_MAX_PLAIN_LENGTH)));
    if (!written.ok()) return Report(written.status());
    written_ += *written;
    written_from_ = bytes.data();
  }
  *taken = std::exchange(written_, 0);
  return *taken > 0 ? 1 : 0;
}

// Like SSL_write: all, or one record at a time where the program wants that.
bool DetachableConnection::WriteDone(std::size_t size) const {
  return written_ == size ||
         (written_ > 0 && (SSL_get_mode(ssl_) & SSL_MODE_ENABLE_PARTIAL_WRITE) != 0);
}

// A write that was to be repeated must be, with the same bytes: some of them have been sent.
int DetachableConnection::CheckRepeatedWrite(std::span<const std::uint8_t> bytes) const {
  if (written_ == 0) return 1;
  if (bytes.size() < written_) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    return -1;
  }
  const bool may_move = (SSL_get_mode(ssl_) & SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER) != 0;
  if (bytes.data() != written_from_ && !may_move) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_WRITE_RETRY);
    return -1;
  }
  return 1;
}

int DetachableConnection::WriteRaw(std::span<const std::uint8_t> bytes, std::size_t* taken) {
  if (const int result = SendOutput(); result <= 0) return result;
  const int size = BIO_write(BIO_next(bio_), bytes.data(), BioSize(bytes.size()));
  BIO_copy_next_retry(bio_);
  if (size <= 0) return size;
  *taken = static_cast<std::size_t>(size);
  return 1;
}

int DetachableConnection::Handshake() {
  if (!Ready()) return -1;
  if (ssl_ != nullptr && !begun_) {
    if (const int result = Begin(); result <= 0) return result;
  }
  while (handshaking_ && session_->status().ok()) {
    if (!session_->Output().empty()) flush_due_ = true;
    if (flush_due_ && SendOutputAndFlush() <= 0) return -1;
    handshaking_ = session_->state().receiving == Receiving::kHandshake;
    if (handshaking_ && ReceiveRecordBytes() <= 0) return -1;
  }
  return session_->status().ok() ? 1 : Report(session_->status());
}

int DetachableConnection::Begin() {
  SSL_up_ref(ssl_);
  Result<std::unique_ptr<TlsBackend>> backend = NewOpenSslBackend(ssl_);
  if (!backend.ok()) return Report(backend.status());
  begun_ = handshaking_ = true;
  const Status status = session_->Upgrade(*std::move(backend));
  return status.ok() ? 1 : Report(status);
}

// Ready clears what the last call left, and reports whether there is a transport.
bool DetachableConnection::Ready() {
  ClearRetry();
  if (BIO_next(bio_) != nullptr) return true;
  ERR_raise(ERR_LIB_SSL, SSL_R_BIO_NOT_SET);
  return false;
}

void DetachableConnection::ClearRetry() {
  BIO_clear_retry_flags(bio_);
  BIO_set_retry_reason(bio_, 0);
}

int DetachableConnection::Flush() {
  if (!Ready()) return -1;
  // While a BIO_write is to be repeated, its bytes are not ours to flush.
  if (written_ == 0) {
    if (const int result = SendOutput(); result <= 0) return result;
  }
  const long result = BIO_flush(BIO_next(bio_));
  BIO_copy_next_retry(bio_);
  return static_cast<int>(result);
}

int DetachableConnection::Detach() {
  if (!Ready()) return -1;
  // In TLS 1.2 the peer's close_notify has cut such a write off.
  if (written_ > 0 && session_->state().sending == Sending::kTls) {
    return Report(Misuse("detach: repeat the BIO_write that was not finished"));
  }
  written_ = 0;
  if (!detached_) {
    if (!session_->handshake_done()) {
      return Report(Misuse("detach: there is no TLS, or its handshake is not done"));
    }
    if (const Status status = session_->Detach(); !status.ok()) return Report(status);
    detached_ = true;
    withheld_ = false;
    flush_due_ = true;
    Settle();
  }
  return flush_due_ ? SendOutputAndFlush() : SendOutput();
}

Status DetachableConnection::SetSsl(SSL* ssl, int close) {
  if (begun_) return Misuse("upgrade: TLS has not been left in both directions");
  if (Status status = CheckFresh(ssl); !status.ok()) return status;
  ReleaseSsl();
  BIO_set_shutdown(bio_, close);
  AdoptTransport(bio_, ssl);
  ssl_ = ssl;
  detached_ = withheld_ = false;
  return {};
}

bool DetachableConnection::Reset() {
  if (ssl_ == nullptr) return true;
  TryCloseNotify();
  session_.emplace();
  cursor_ = {};
  begun_ = handshaking_ = flush_due_ = reported_ = detached_ = withheld_ = false;
  written_ = 0;
  SSL_set_bio(ssl_, nullptr, nullptr);
  if (SSL_is_server(ssl_)) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
  return SSL_clear(ssl_) == 1;
}

State DetachableConnection::state() const noexcept {
  if (ssl_ != nullptr && !begun_) return {Sending::kHandshake, Receiving::kHandshake};
  return session_->state();
}

// Writes the session's output to the next BIO, all of it.
int DetachableConnection::SendOutput() {
  while (!session_->Output().empty()) {
    const std::span<const std::uint8_t> output = session_->Output();
    const int size = BIO_write(BIO_next(bio_), output.data(), BioSize(output.size()));
    BIO_copy_next_retry(bio_);
    if (size <= 0) return size;
    session_->OutputWritten(static_cast<std::size_t>(size));
  }
  return 1;
}

int DetachableConnection::SendOutputAndFlush() {
  flush_due_ = true;
  if (const int result = SendOutput(); result <= 0) return result;
  const long result = BIO_flush(BIO_next(bio_));
  BIO_copy_next_retry(bio_);
  if (result > 0) flush_due_ = false;
  return static_cast<int>(result);
}

// For output that nobody waits for: an answer to a KeyUpdate, the last alert. What does not go now
// goes with a later call.
void DetachableConnection::TrySendOutput() {
  if (session_->Output().empty() || BIO_next(bio_) == nullptr) return;
  ERR_set_mark();
  SendOutputAndFlush();
  ERR_pop_to_mark();
  ClearRetry();
}

// Only behind a whole message: a close_notify behind half of one would say that this was all.
void DetachableConnection::TryCloseNotify() {
  TrySendOutput();
  if (written_ > 0 || !session_->Output().empty()) return;
  if (!session_->handshake_done() || session_->state().sending != Sending::kTls) return;
  if (session_->Detach().ok()) TrySendOutput();
}

// Report puts an error on the queue, a latched one only once, and returns -1.
int DetachableConnection::Report(const Status& status) {
  if (status.fault() == Fault::kMisuse) {
    PutError(status);
  } else if (!std::exchange(reported_, true)) {
    PutErrorOfTls(status);
  }
  TrySendOutput();
  return -1;
}

// Lets the SSL go when both directions are raw.
void DetachableConnection::Settle() {
  if (begun_ && !session_->has_tls()) ReleaseSsl();
}

void DetachableConnection::ReleaseSsl() {
  if (ssl_ == nullptr) return;
  if (session_->has_tls()) session_.emplace();
  // The backend's BIO must not outlive it in an SSL that the program keeps.
  SSL_set_bio(ssl_, nullptr, nullptr);
  if (BIO_get_shutdown(bio_)) SSL_free(ssl_);
  ssl_ = nullptr;
  begun_ = false;
}

}  // namespace detach
