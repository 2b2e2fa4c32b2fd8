// What a certificate says about whom it is for.
#ifndef DETACH_PROXIES_IDENTITY_CERTIFICATE_NAMES_H_
#define DETACH_PROXIES_IDENTITY_CERTIFICATE_NAMES_H_

#include <chrono>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// CertificateNames is for a certificate that verified. The subject's common name is no name
// (RFC 9525 §2): it is shown, never compared. Names with bytes other than visible ASCII (a NUL
// among them) are left out, so they match nothing.
struct CertificateNames {
  std::string subject;  // one line of printable ASCII (RFC 2253), for people
  std::string issuer;
  std::vector<std::string> uris;       // subjectAltName, as they stand
  std::vector<std::string> dns_names;  // lower case
  std::vector<std::string> emails;     // lower case behind the @
  std::string spki_sha256;  // of the SubjectPublicKeyInfo's DER, 64 lower-case hex digits
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;

  // Identity returns the first of its names as a ClientPattern is written: URI, DNS, EMAIL, else
  // SPKI-SHA256.
  std::string Identity() const;
};

// ReadCertificateNames reads `certificate` (DER). kViolation when it, or its subjectAltName, is
// damaged.
Result<CertificateNames> ReadCertificateNames(const Bytes& certificate);

// TimeText returns "2026-11-23 10:00 UTC".
std::string TimeText(std::chrono::system_clock::time_point time);

// ClientPattern says which clients a row of the configuration is for.
class ClientPattern {
 public:
  // Parse reads "URI:spiffe://corp.example/alice", "DNS:", "EMAIL:", "SPKI-SHA256:" with 64 hex
  // digits, or "*". kMisuse for anything else. There are no wildcards but "*" alone.
  static Result<ClientPattern> Parse(std::string_view text);

  bool Matches(const CertificateNames& client) const;

 private:
  enum class Kind { kAnybody, kUri, kDns, kEmail, kSpkiSha256 };
  ClientPattern(Kind kind, std::string value) : kind_(kind), value_(std::move(value)) {}

  Kind kind_;
  std::string value_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_CERTIFICATE_NAMES_H_
