// Whether a peer's certificate is believed, and the alert that says why not.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_TRUST_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_TRUST_H_

#include <botan/certstor.h>
#include <botan/x509cert.h>

#include <optional>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// BotanRefusal says why a certificate is not believed, to the peer and to a person.
struct BotanRefusal {
  std::uint8_t alert;  // RFC 9846 §6.2
  std::string reason;
};

// BotanTrust is what TlsConfig says of the peer's certificate, parsed. Borrows the configuration.
class BotanTrust {
 public:
  explicit BotanTrust(const TlsConfig& config) : config_(config) {}

  // Load parses trust anchors and CRLs. kMisuse where the configuration contradicts itself,
  // kIncompatible where one of them cannot be used.
  Status Load();

  // Check returns nullopt where `chain` (the leaf first, at least 1) is believed. May throw.
  std::optional<BotanRefusal> Check(const std::vector<Botan::X509_Certificate>& chain) const;

  // anchors: a server sends their names in its CertificateRequest.
  const Botan::Certificate_Store& anchors() const { return store_; }

 private:
  Status LoadAnchor(const Bytes& der);
  Status LoadCrl(const Bytes& der);
  std::optional<BotanRefusal> CheckPath(const std::vector<Botan::X509_Certificate>& chain) const;
  bool path_counts() const {
    return !config_.pinned_spki_sha256 && !config_.dangerous_accept_any_peer;
  }

  const TlsConfig& config_;
  Botan::Certificate_Store_In_Memory store_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_TRUST_H_
