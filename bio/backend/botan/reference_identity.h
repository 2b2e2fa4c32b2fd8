// Whether a certificate is for a name or an address (RFC 9525). Botan's own check takes the common
// name, and 2.19 knows no IPv6.
#ifndef DETACH_BIO_BACKEND_BOTAN_REFERENCE_IDENTITY_H_
#define DETACH_BIO_BACKEND_BOTAN_REFERENCE_IDENTITY_H_

#include <botan/x509cert.h>

#include <string>
#include <vector>

#include "bio/backend/tls_config.h"

namespace detach {

// AddressBytes returns the 4 or 16 bytes of an address literal, or none where `name` is no literal.
Bytes AddressBytes(const std::string& name);

// MatchesReferenceIdentity says whether one of `certificate`'s subjectAltNames is `reference`, a
// DNS name or an address literal. A "*" stands for one whole label, the leftmost. May throw.
bool MatchesReferenceIdentity(const Botan::X509_Certificate& certificate,
                              const std::string& reference);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_REFERENCE_IDENTITY_H_
