// Certificate requests (PKCS #10, RFC 2986): the public key, and nothing else of them.
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_CERTIFICATE_REQUEST_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_CERTIFICATE_REQUEST_H_

#include <cstdint>
#include <span>

#include "bio/status.h"
#include "program/crypto/crypto_types.h"

namespace detach {

// RequestedKey returns the public key in `request` (DER), whose holder has signed it: RSA with 2048
// to 8192 bits, EC in P-256, P-384 or P-521, Ed25519. Subject, extensions and attributes that are
// asked for are not looked at. kViolation, and what is wrong, for anything else.
Result<PkeyPtr> RequestedKey(std::span<const std::uint8_t> request);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_CERTIFICATE_REQUEST_H_
