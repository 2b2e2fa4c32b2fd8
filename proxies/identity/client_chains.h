// Whether clients that verified once would verify by what is trusted now.
#ifndef DETACH_PROXIES_IDENTITY_CLIENT_CHAINS_H_
#define DETACH_PROXIES_IDENTITY_CLIENT_CHAINS_H_

#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "program/crypto/crypto_types.h"

namespace detach {

// ClientChains judges certificate chains of clients by the trust anchors and CRLs of a listener.
// Thread-safe.
class ClientChains {
 public:
  // Trusts nobody.
  ClientChains() = default;

  // Create reads `tls`'s trust_anchors, crls and check_revocation. kMisuse where one is damaged.
  static Result<ClientChains> Create(const TlsConfig& tls);

  // Check judges `chain` (DER, the leaf first), which verified once: not ok (kIncompatible, saying
  // why) when it was revoked since, or leads to no trust anchor any more. That it, or a CRL, has
  // expired since is no reason: a tunnel may outlive a short-lived certificate.
  Status Check(const std::vector<Bytes>& chain) const;

 private:
  TrustStorePtr store_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_CLIENT_CHAINS_H_
