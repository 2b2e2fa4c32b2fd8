// Which identity of a client's certificate database answers a server's CertificateRequest.
#ifndef DETACH_PROXIES_IDENTITY_IDENTITY_CHOOSER_H_
#define DETACH_PROXIES_IDENTITY_IDENTITY_CHOOSER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "bio/backend/tls_config.h"

namespace detach {

struct IdentityChoice {
  std::shared_ptr<const Identity> identity;  // null: none fits
  // For people, in printable ASCII: the name of the identity; or in one sentence which authorities
  // the server named, what is in the database, and why each was not taken.
  std::string report;
};

// ChooseIdentity returns the identity to answer `request` with: one that is valid at `now`, for
// client authentication (RFC 5280 §4.2.1.3, §4.2.1.12), whose key can sign by a scheme that the
// server named, and whose chain leads to an authority that the server named, if it named any. Of
// several the most specific, whose path to a named authority is the shortest; then the newest; then
// the first.
IdentityChoice ChooseIdentity(
    std::span<const std::shared_ptr<const Identity>> identities, const CertificateRequest& request,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_IDENTITY_CHOOSER_H_
