// What a Botan channel may negotiate: as strict as the OpenSSL backend.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_POLICY_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_POLICY_H_

#include <botan/tls_policy.h>
#include <botan/version.h>

#include <chrono>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"

namespace detach {

// kBotanHasTls13 says whether the Botan that this was compiled against speaks TLS 1.3.
#if defined(BOTAN_HAS_TLS_13)
inline constexpr bool kBotanHasTls13 = true;
#else
inline constexpr bool kBotanHasTls13 = false;
#endif

// BotanPolicy is a TlsConfig in the form that Botan asks for it. Borrows the configuration.
class BotanPolicy final : public Botan::TLS::Policy {
 public:
  explicit BotanPolicy(const TlsConfig& config) : config_(config) {}

  // A peer's chain is untrusted input: a larger one is refused before it costs much.
  static constexpr std::size_t kMaxChainBytes = 64 * 1024;

  bool allow_tls12() const override { return config_.min_version == TlsVersion::kTls12; }
  bool allow_dtls12() const override { return false; }

  // RFC 9325 §4.2: forward secrecy and AEAD only.
  std::vector<std::string> allowed_ciphers() const override {
    return {"AES-256/GCM", "ChaCha20Poly1305", "AES-128/GCM"};
  }
  std::vector<std::string> allowed_macs() const override { return {"AEAD"}; }
  std::vector<std::string> allowed_key_exchange_methods() const override { return {"ECDH"}; }
  std::vector<std::string> allowed_signature_hashes() const override {
    return {"SHA-256", "SHA-384", "SHA-512"};
  }
  std::vector<std::string> allowed_signature_methods() const override { return {"ECDSA", "RSA"}; }
  std::vector<Botan::TLS::Group_Params> key_exchange_groups() const override {
    using Botan::TLS::Group_Params;
    return {Group_Params::X25519, Group_Params::SECP256R1, Group_Params::SECP384R1,
            Group_Params::SECP521R1};
  }

  bool request_client_certificate_authentication() const override {
    return config_.peer_certificate != PeerCertificate::kNotRequested;
  }
  bool require_client_certificate_authentication() const override {
    return config_.peer_certificate == PeerCertificate::kRequired;
  }
  std::size_t maximum_certificate_chain_size() const override { return kMaxChainBytes; }
  bool support_cert_status_message() const override { return false; }

#if BOTAN_VERSION_MAJOR >= 3
  bool allow_tls13() const override { return config_.max_version == TlsVersion::kTls13; }
  std::chrono::seconds session_ticket_lifetime() const override { return std::chrono::hours(2); }
  std::size_t new_session_tickets_upon_handshake_success() const override {
    return config_.resumption ? 1 : 0;
  }
#else
  bool allow_tls10() const override { return false; }
  bool allow_tls11() const override { return false; }
  bool allow_dtls10() const override { return false; }
#endif

 private:
  const TlsConfig& config_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_POLICY_H_
