#include "bio/backend/openssl/openssl_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "bio/backend/openssl/openssl_backend.h"
#include "bio/backend/openssl/openssl_error.h"
#include "bio/backend/openssl/openssl_identity.h"

namespace detach {
namespace {

// TLS 1.2: forward secrecy and AEAD only (RFC 9325 §4.2). TLS 1.3 has no others.
constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

// A peer's chain is untrusted input: deeper or larger ones are refused before they cost much.
constexpr int kMaxChainDepth = 4;
constexpr long kMaxChainBytes = 64 * 1024;

// Sessions that a server remembers. Each holds the client's chain, some 5 KiB.
constexpr long kMaxSessions = 4096;

class OpenSslContext final : public TlsContext {
 public:
  explicit OpenSslContext(const TlsConfig& config)
      : config_(config), context_(SSL_CTX_new(TLS_method())) {}

  Status Init();
  Result<std::unique_ptr<TlsBackend>> NewBackend() noexcept override;

 private:
  Status SetVersions();
  Status SetIdentity();
  Status SetVerification();
  Status SetReferenceIdentity();
  Status AddTrust();
  Status SetAlpn();
  Status SetResumption();
  Status Offer(SSL* ssl);

  static int ChooseIdentity(SSL* ssl, void* self) noexcept;
  static int VerifyPeer(X509_STORE_CTX* store, void* self) noexcept;
  static int SelectAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                        const unsigned char* in, unsigned int in_size, void* self) noexcept;
  static int KeepSession(SSL* ssl, SSL_SESSION* session) noexcept;
  Result<const OpenSslIdentity*> Parsed(const std::shared_ptr<const Identity>& identity);

  const TlsConfig config_;
  OpenSslPtr<SSL_CTX> context_;
  Bytes alpn_wire_;  // config_.alpn as RFC 7301 §3.1 has it
  std::mutex mutex_;
  OpenSslPtr<SSL_SESSION> newest_session_;                             // under mutex_
  std::map<std::shared_ptr<const Identity>, OpenSslIdentity> parsed_;  // under mutex_
};

Status Failed(const char* what) { return Internal(std::string(what) + ": " + OpenSslReason()); }

Status OpenSslContext::Init() {
  if (!context_) return Failed("SSL_CTX_new");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_read_ahead(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context, kMaxChainBytes);
  using Step = Status (OpenSslContext::*)();
  for (const Step step : {&OpenSslContext::SetVersions, &OpenSslContext::SetIdentity,
                          &OpenSslContext::SetVerification, &OpenSslContext::SetAlpn,
                          &OpenSslContext::SetResumption}) {
    if (Status status = (this->*step)(); !status.ok()) return status;
  }
  return {};
}

Status OpenSslContext::SetVersions() {
  if (config_.min_version > config_.max_version) return Misuse("TLS: min_version > max_version");
  SSL_CTX* const context = context_.get();
  if (SSL_CTX_set_min_proto_version(context, static_cast<int>(config_.min_version)) != 1 ||
      SSL_CTX_set_max_proto_version(context, static_cast<int>(config_.max_version)) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1) {
    return Failed("TLS versions");
  }
  return {};
}

Status OpenSslContext::SetIdentity() {
  if (config_.role == Role::kServer && !config_.identity) {
    return Misuse("a TLS server needs an identity");
  }
  if (config_.role == Role::kClient && config_.choose_identity) {
    SSL_CTX_set_cert_cb(context_.get(), ChooseIdentity, this);
    return {};
  }
  if (!config_.identity) return {};
  const Result<OpenSslIdentity> identity = OpenSslIdentity::Parse(*config_.identity);
  return identity.ok() ? identity->UseIn(context_.get()) : identity.status();
}

// Parses without the lock: a key may be where it takes long to find. Of two threads that do it at a
// time, both get what the first has made.
Result<const OpenSslIdentity*> OpenSslContext::Parsed(
    const std::shared_ptr<const Identity>& identity) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = parsed_.find(identity); found != parsed_.end()) return &found->second;
  }
  Result<OpenSslIdentity> fresh = OpenSslIdentity::Parse(*identity);
  if (!fresh.ok()) return fresh.status();
  const std::lock_guard lock(mutex_);
  return &parsed_.emplace(identity, *std::move(fresh)).first->second;
}

CertificateRequest RequestOf(SSL* ssl) {
  CertificateRequest request;
  request.version = static_cast<TlsVersion>(SSL_version(ssl));
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    const unsigned char* der = nullptr;
    std::size_t size = 0;
    if (X509_NAME_get0_der(sk_X509_NAME_value(names, i), &der, &size) == 1) {
      request.authorities.emplace_back(der, der + size);
    }
  }
  const int count = SSL_get_sigalgs(ssl, 0, nullptr, nullptr, nullptr, nullptr, nullptr);
  for (int i = 0; i < count; ++i) {
    unsigned char low = 0;
    unsigned char high = 0;
    SSL_get_sigalgs(ssl, i, nullptr, nullptr, nullptr, &low, &high);
    request.signature_schemes.push_back(static_cast<std::uint16_t>(high << 8 | low));
  }
  return request;
}

int OpenSslContext::ChooseIdentity(SSL* ssl, void* self) noexcept try {
  auto* context = static_cast<OpenSslContext*>(self);
  const std::shared_ptr<const Identity> chosen = context->config_.choose_identity(RequestOf(ssl));
  if (!chosen) return 1;
  const Result<const OpenSslIdentity*> identity = context->Parsed(chosen);
  const Status used = identity.ok() ? (*identity)->UseIn(ssl) : identity.status();
  ERR_clear_error();  // what a store tried before it succeeded would look like the handshake's end
  if (used.ok()) return 1;
  ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "%s", used.message().c_str());
  return 0;
} catch (...) {
  return 0;
}

Status OpenSslContext::SetVerification() {
  SSL_CTX* const context = context_.get();
  const bool client = config_.role == Role::kClient;
  if (client && config_.peer_certificate != PeerCertificate::kRequired) {
    return Misuse("a TLS client always gets a certificate: peer_certificate must be kRequired");
  }
  int mode = SSL_VERIFY_NONE;
  if (config_.peer_certificate != PeerCertificate::kNotRequested) mode = SSL_VERIFY_PEER;
  if (config_.peer_certificate == PeerCertificate::kRequired) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, mode, RememberRefusedCertificate);
  SSL_CTX_set_verify_depth(context, kMaxChainDepth);
  const bool path_counts = !config_.pinned_spki_sha256 && !config_.dangerous_accept_any_peer;
  if (config_.pinned_spki_sha256 && config_.pinned_spki_sha256->size() != SHA256_DIGEST_LENGTH) {
    return Misuse("pinned_spki_sha256: a SHA-256 digest has 32 bytes");
  }
  if (!path_counts) {
    SSL_CTX_set_cert_verify_callback(context, VerifyPeer, this);
    return {};
  }
  if (mode != SSL_VERIFY_NONE && config_.trust_anchors.empty()) {
    return Misuse("verification without trust anchors would refuse everybody");
  }
  if (Status status = AddTrust(); !status.ok()) return status;
  return client ? SetReferenceIdentity() : Status();
}

Status OpenSslContext::AddTrust() {
  X509_STORE* const store = SSL_CTX_get_cert_store(context_.get());
  for (const Bytes& der : config_.trust_anchors) {
    const Result<OpenSslPtr<X509>> anchor = DecodeCertificate(der);
    if (!anchor.ok()) return anchor.status();
    if (X509_STORE_add_cert(store, anchor->get()) != 1) return Failed("trust anchor");
    if (config_.role == Role::kServer &&
        SSL_CTX_add_client_CA(context_.get(), anchor->get()) != 1) {
      return Failed("name of a trust anchor");
    }
  }
  for (const Bytes& der : config_.crls) {
    const Result<OpenSslPtr<X509_CRL>> crl = DecodeCrl(der);
    if (!crl.ok()) return crl.status();
    if (X509_STORE_add_crl(store, crl->get()) != 1) return Failed("CRL");
  }
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;  // an anchor is an anchor, self-signed or not
  if (config_.check_revocation) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  if (X509_STORE_set_flags(store, flags) != 1) return Failed("verification flags");
  return {};
}

Status OpenSslContext::SetReferenceIdentity() {
  X509_VERIFY_PARAM* const param = SSL_CTX_get0_param(context_.get());
  const std::string& name = config_.reference_identity;
  if (name.empty()) {
    return Misuse("a TLS client needs a reference_identity, or a pinned key instead of it");
  }
  if (X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1) return {};
  // OpenSSL would take it for every name below.
  if (name.starts_with('.')) {
    return Misuse("reference_identity \"" + name + "\" is a domain: give one name in it");
  }
  // RFC 9525 §6.3: no CN, no partial wildcard.
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size()) != 1) {
    return Misuse("reference_identity \"" + name + "\" is neither a name nor an address");
  }
  return {};
}

int OpenSslContext::VerifyPeer(X509_STORE_CTX* store, void* self) noexcept {
  const TlsConfig& config = static_cast<OpenSslContext*>(self)->config_;
  if (config.dangerous_accept_any_peer) return 1;
  const X509* leaf = X509_STORE_CTX_get0_cert(store);
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
  if (size <= 0) return 0;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  if (std::ranges::equal(digest, *config.pinned_spki_sha256)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

Status OpenSslContext::SetAlpn() {
  for (const std::string& name : config_.alpn) {
    if (name.empty() || name.size() > 255) return Misuse("ALPN: a name has 1 to 255 bytes");
    alpn_wire_.push_back(static_cast<std::uint8_t>(name.size()));
    alpn_wire_.insert(alpn_wire_.end(), name.begin(), name.end());
  }
  if (alpn_wire_.empty()) return {};
  if (config_.role == Role::kServer) {
    SSL_CTX_set_alpn_select_cb(context_.get(), SelectAlpn, this);
    return {};
  }
  // 0 is success here.
  if (SSL_CTX_set_alpn_protos(context_.get(), alpn_wire_.data(),
                              static_cast<unsigned int>(alpn_wire_.size())) != 0) {
    return Failed("ALPN");
  }
  return {};
}

int OpenSslContext::SelectAlpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                               const unsigned char* in, unsigned int in_size, void* self) noexcept {
  const Bytes& ours = static_cast<OpenSslContext*>(self)->alpn_wire_;
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, ours.data(),
                            static_cast<unsigned int>(ours.size()), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// RFC 9846 §8.1: a server that remembers sessions needs no stateless tickets. They would carry the
// client's certificate around, and cost decoding it each time.
Status OpenSslContext::SetResumption() {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (!config_.resumption) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    return {};
  }
  if (config_.role == Role::kClient) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, KeepSession);
    return {};
  }
  // A session of one policy must not open another: the id is this context's own.
  std::array<std::uint8_t, 32> id{};
  if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1 ||
      SSL_CTX_set_session_id_context(context, id.data(), static_cast<unsigned>(id.size())) != 1) {
    return Failed("session id context");
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, kMaxSessions);
  return {};
}

int OpenSslContext::KeepSession(SSL* ssl, SSL_SESSION* session) noexcept {
  auto* context = static_cast<OpenSslContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const std::lock_guard lock(context->mutex_);
  context->newest_session_.reset(session);
  return 1;  // the reference is ours
}

Result<std::unique_ptr<TlsBackend>> OpenSslContext::NewBackend() noexcept try {
  ERR_clear_error();
  SSL* const ssl = SSL_new(context_.get());
  if (ssl == nullptr) return Failed("SSL_new");
  if (config_.role == Role::kServer) {
    SSL_set_accept_state(ssl);
  } else if (Status status = Offer(ssl); !status.ok()) {
    SSL_free(ssl);
    return status;
  }
  return NewOpenSslBackend(ssl);
} catch (...) {
  return Internal("out of memory");
}

// What a client says first: the name (RFC 6066 §3: never an address) and a session to resume.
Status OpenSslContext::Offer(SSL* ssl) {
  SSL_set_connect_state(ssl);
  const std::string& name = config_.reference_identity;
  std::array<unsigned char, 16> address;
  const bool literal = inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
                       inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
  if (!name.empty() && !literal && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) {
    return Failed("SNI");
  }
  const std::lock_guard lock(mutex_);
  if (!newest_session_ || !SSL_SESSION_is_resumable(newest_session_.get())) return {};
  SSL_set_session(ssl, newest_session_.get());
  // One ticket, one use (RFC 9846 §C.4): whoever watches cannot link connections by it.
  if (SSL_SESSION_get_protocol_version(newest_session_.get()) >= TLS1_3_VERSION) {
    newest_session_.reset();
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TlsContext>> NewOpenSslContext(const TlsConfig& config) {
  ERR_clear_error();
  auto context = std::make_unique<OpenSslContext>(config);
  if (Status status = context->Init(); !status.ok()) return status;
  return std::unique_ptr<TlsContext>(std::move(context));
}

}  // namespace detach
