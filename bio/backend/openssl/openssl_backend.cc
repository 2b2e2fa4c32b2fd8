#include "bio/backend/openssl/openssl_backend.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>

#include "bio/backend/openssl/openssl_error.h"

namespace detach {
namespace {

struct SslDeleter {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};

class OpenSslBackend final : public TlsBackend {
 public:
  explicit OpenSslBackend(SSL* ssl) : ssl_(ssl) {}
  OpenSslBackend(const OpenSslBackend&) = delete;
  OpenSslBackend& operator=(const OpenSslBackend&) = delete;
  ~OpenSslBackend() override = default;

  Status Init();
  SSL* ssl() const noexcept { return ssl_.get(); }

  Status Start(Sink& sink) noexcept override;
  Status Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept override;
  Status Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept override;
  Status SendCloseNotify(Sink& sink) noexcept override;
  Status UpdateKeys(Sink& sink) noexcept override;
  bool half_detach() const noexcept override { return SSL_version(ssl()) >= TLS1_3_VERSION; }
  Result<Bytes> Export(std::string_view label, std::span<const std::uint8_t> context,
                       std::size_t size) const noexcept override;
  Result<HandshakeSummary> Summary() const noexcept override;
  std::optional<std::uint8_t> peer_alert() const noexcept override { return peer_alert_; }

 private:
  // The BIO below ssl_: reads the record in hand, writes to the sink of the call that is running.
  static BIO_METHOD* Method();
  static int BioRead(BIO* bio, char* out, std::size_t size, std::size_t* got) noexcept;
  static int BioWrite(BIO* bio, const char* bytes, std::size_t size, std::size_t* put) noexcept;
  static long BioCtrl(BIO* bio, int command, long number, void* pointer) noexcept;

  template <typename Call>
  Status Run(Sink& sink, Call call) noexcept;
  Status Handshake();
  Status ReadAll();
  Status Failure(int ssl_error);

  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::span<const std::uint8_t> record_;  // what is left of the record that Receive was given
  Sink* sink_ = nullptr;                  // set while a call runs
  bool sink_threw_ = false;
  bool handshake_done_ = false;
  std::optional<std::uint8_t> peer_alert_;
};

BIO_METHOD* OpenSslBackend::Method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "detach record");
    if (made == nullptr) return made;
    BIO_meth_set_read_ex(made, BioRead);
    BIO_meth_set_write_ex(made, BioWrite);
    BIO_meth_set_ctrl(made, BioCtrl);
    return made;
  }();
  return method;
}

int OpenSslBackend::BioRead(BIO* bio, char* out, std::size_t size, std::size_t* got) noexcept {
  auto* self = static_cast<OpenSslBackend*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->record_.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *got = std::min(size, self->record_.size());
  std::memcpy(out, self->record_.data(), *got);
  self->record_ = self->record_.subspan(*got);
  return 1;
}

int OpenSslBackend::BioWrite(BIO* bio, const char* bytes, std::size_t size,
                             std::size_t* put) noexcept {
  auto* self = static_cast<OpenSslBackend*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->sink_ == nullptr) return 0;
  try {
    self->sink_->OnRecords({reinterpret_cast<const std::uint8_t*>(bytes), size});
  } catch (...) {
    self->sink_threw_ = true;
    return 0;
  }
  *put = size;
  return 1;
}

long OpenSslBackend::BioCtrl(BIO* /*bio*/, int command, long /*number*/,
                             void* /*pointer*/) noexcept {
  // 0 to everything else, the kTLS queries among it.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

Status OpenSslBackend::Init() {
  if (Status status = CheckDetachable(ssl()); !status.ok()) return status;
  BIO* bio = Method() == nullptr ? nullptr : BIO_new(Method());
  if (bio == nullptr) return Internal("OpenSSL: out of memory");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl(), bio, bio);
  // RFC 9325 §3.5: a renegotiation would begin a handshake in mid-stream.
  SSL_set_options(ssl(), SSL_OP_NO_RENEGOTIATION);
  return {};
}

// Run makes `sink` the target of the calls into OpenSSL that `call` makes, on a clean error queue.
template <typename Call>
Status OpenSslBackend::Run(Sink& sink, Call call) noexcept {
  sink_ = &sink;
  sink_threw_ = false;
  ERR_clear_error();
  Status status;
  try {
    status = call();
  } catch (...) {
    sink_threw_ = true;
  }
  sink_ = nullptr;
  if (sink_threw_) return Internal("out of memory for the output of TLS");
  return status;
}

Status OpenSslBackend::Start(Sink& sink) noexcept {
  return Run(sink, [this] { return Handshake(); });
}

Status OpenSslBackend::Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept {
  return Run(sink, [this, record]() -> Status {
    record_ = record;
    Status status = handshake_done_ ? Status() : Handshake();
    if (status.ok() && handshake_done_) status = ReadAll();
    const std::size_t left = std::exchange(record_, {}).size();
    if (status.ok() && left > 0) {
      return Internal("OpenSSL left " + std::to_string(left) + " bytes of a record");
    }
    return status;
  });
}

Status OpenSslBackend::Handshake() {
  const int result = SSL_do_handshake(ssl());
  if (result != 1) return Failure(SSL_get_error(ssl(), result));
  handshake_done_ = true;
  sink_->OnHandshakeDone();
  return {};
}

// Reads until OpenSSL wants the next record.
Status OpenSslBackend::ReadAll() {
  std::array<std::uint8_t, SSL3_RT_MAX_PLAIN_LENGTH> plaintext;
  while (true) {
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl(), plaintext.data(), plaintext.size(), &size);
    if (result != 1) return Failure(SSL_get_error(ssl(), result));
    sink_->OnPlaintext(std::span(plaintext).first(size));
  }
}

Status OpenSslBackend::Failure(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
      return {};
    case SSL_ERROR_ZERO_RETURN:
      // Also in mid-handshake, where the owner takes it for what it is. SSL_has_pending is no proof
      // that OpenSSL holds nothing behind it: since 3.2 it is 1 for the TLS 1.3 close_notify
      // itself. Receive is: OpenSSL was given one record and nothing else.
      sink_->OnCloseNotify();
      return {};
    default:
      peer_alert_ = PeerAlertInQueue();
      return HandshakeOrRecordError(ssl());
  }
}

Status OpenSslBackend::Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept {
  return Run(sink, [this, plaintext]() -> Status {
    for (std::span<const std::uint8_t> rest = plaintext; !rest.empty();) {
      std::size_t size = 0;
      const int result = SSL_write_ex(ssl(), rest.data(), rest.size(), &size);
      if (result != 1) return HandshakeOrRecordError(ssl());
      rest = rest.subspan(size);
    }
    return {};
  });
}

// Once only: the second SSL_shutdown reads, and destroys what it reads (docs/DECISIONS.md).
Status OpenSslBackend::SendCloseNotify(Sink& sink) noexcept {
  return Run(sink, [this]() -> Status {
    if (SSL_shutdown(ssl()) < 0) return HandshakeOrRecordError(ssl());
    return {};
  });
}

Status OpenSslBackend::UpdateKeys(Sink& sink) noexcept {
  return Run(sink, [this]() -> Status {
    if (!half_detach()) return Misuse("TLS 1.2 has no key update");
    if (SSL_key_update(ssl(), SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(ssl()) != 1) {
      return HandshakeOrRecordError(ssl());
    }
    return {};
  });
}

Result<Bytes> OpenSslBackend::Export(std::string_view label, std::span<const std::uint8_t> context,
                                     std::size_t size) const noexcept try {
  if (!half_detach() && SSL_get_extms_support(ssl()) != 1) {
    return Incompatible("exporter: TLS 1.2 without extended_master_secret binds nothing");
  }
  Bytes material(size);
  ERR_clear_error();
  if (SSL_export_keying_material(ssl(), material.data(), size, label.data(), label.size(),
                                 context.data(), context.size(), 1) != 1) {
    return Internal("exporter: " + OpenSslReason());
  }
  return material;
} catch (...) {
  return Internal("exporter: out of memory");
}

Bytes DerOf(const X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  Bytes der(static_cast<std::size_t>(std::max(size, 0)));
  unsigned char* out = der.data();
  if (size > 0) i2d_X509(certificate, &out);
  return der;
}

// libssl counts the leaf to the chain on clients and not on servers.
std::vector<Bytes> PeerChain(const SSL* ssl) {
  std::vector<Bytes> chain;
  const X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return chain;
  chain.push_back(DerOf(leaf));
  const STACK_OF(X509)* rest = SSL_get_peer_cert_chain(ssl);
  for (int i = SSL_is_server(ssl) ? 0 : 1; i < sk_X509_num(rest); ++i) {
    chain.push_back(DerOf(sk_X509_value(rest, i)));
  }
  return chain;
}

Result<HandshakeSummary> OpenSslBackend::Summary() const noexcept try {
  HandshakeSummary summary;
  summary.version = half_detach() ? TlsVersion::kTls13 : TlsVersion::kTls12;
  summary.cipher_suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl()));
  summary.resumed = SSL_session_reused(ssl()) != 0;
  const unsigned char* alpn = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl(), &alpn, &size);
  if (size > 0) summary.alpn.assign(reinterpret_cast<const char*>(alpn), size);
  summary.peer_chain = PeerChain(ssl());
  return summary;
} catch (...) {
  return Internal("out of memory");
}

}  // namespace

Result<std::unique_ptr<TlsBackend>> NewOpenSslBackend(SSL* ssl) {
  auto backend = std::make_unique<OpenSslBackend>(ssl);
  if (Status status = backend->Init(); !status.ok()) return status;
  return std::unique_ptr<TlsBackend>(std::move(backend));
}

Status CheckDetachable(const SSL* ssl) {
  const std::uint64_t options = SSL_get_options(ssl);
  if (options & SSL_OP_IGNORE_UNEXPECTED_EOF) {
    return Misuse(
        "SSL_OP_IGNORE_UNEXPECTED_EOF is set: a FIN would pass for close_notify; clear it");
  }
  if (options & SSL_OP_ENABLE_KTLS) {
    return Misuse("SSL_OP_ENABLE_KTLS is set: a kernel TLS socket cannot be left again; clear it");
  }
  if (SSL_get_read_ahead(ssl) != 0) {
    // Pipelining (SSL_set_max_pipelines) switches it on too.
    return Misuse(
        "read_ahead or pipelining is on: libssl would bury what follows close_notify; switch it "
        "off");
  }
  if (SSL_get_quiet_shutdown(ssl) != 0) {
    return Misuse("quiet_shutdown is on: no close_notify would be sent; switch it off");
  }
  return {};
}

SSL* UnderlyingSsl(const TlsBackend& backend) {
  return static_cast<const OpenSslBackend&>(backend).ssl();
}

}  // namespace detach
