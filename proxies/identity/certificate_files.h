// Files of trust anchors and of certificate revocation lists.
#ifndef DETACH_PROXIES_IDENTITY_CERTIFICATE_FILES_H_
#define DETACH_PROXIES_IDENTITY_CERTIFICATE_FILES_H_

#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// LoadCertificates returns the certificates (DER) of the PEM bundle at `path`, in its order.
// Strict, as the file says who is trusted: it holds at least one certificate and nothing else, and
// none of them is damaged. Errors begin with the path.
Result<std::vector<Bytes>> LoadCertificates(const std::string& path);

// LoadCrls returns the CRLs (DER) of the file at `path`: PEM, any number, or one in DER.
Result<std::vector<Bytes>> LoadCrls(const std::string& path);

// CheckCrlsCover fails unless every certificate of `trust_anchors` has a CRL of its own among
// `crls`: without one, every certificate that it issued would be refused.
Status CheckCrlsCover(const std::vector<Bytes>& trust_anchors, const std::vector<Bytes>& crls);

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_CERTIFICATE_FILES_H_
