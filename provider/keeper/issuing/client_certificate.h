// The certificate that an issuing identity writes.
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_CLIENT_CERTIFICATE_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_CLIENT_CERTIFICATE_H_

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/frame.h"
#include "provider/keeper/issuing/enrolment_tokens.h"

namespace detach {

// How slow the clock of whoever looks at a new certificate may be.
inline constexpr std::chrono::minutes kClockDifference{5};

// IssuedCertificate is one, and what the log says of it.
struct IssuedCertificate {
  std::vector<std::uint8_t> der;
  std::string serial;      // hex digits
  std::string name;        // as of SubjectAltNameText
  std::string key_sha256;  // of the SubjectPublicKeyInfo, hex digits
  std::chrono::sys_seconds not_after;
};

// Authority is a CA's certificate and key, both borrowed.
struct Authority {
  X509* certificate;
  EVP_PKEY* key;
};

struct Validity {
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
};

// MakeClientCertificate writes and signs a certificate by which the holder of `key` is `name`, as a
// client in TLS: with a random serial number of 128 bits, an empty subject, and `name` as its
// subjectAltName, critical for that (RFC 5280 §4.2.1.6). kInternal where libcrypto fails.
Result<IssuedCertificate> MakeClientCertificate(const Authority& authority,
                                                const SubjectAltName& name, EVP_PKEY* key,
                                                const Validity& validity);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_CLIENT_CERTIFICATE_H_
