// Which identity of a client's certificate database answers a server's CertificateRequest.
#ifndef DETACH_PROXIES_IDENTITY_IDENTITY_CHOOSER_H_
#define DETACH_PROXIES_IDENTITY_IDENTITY_CHOOSER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"

namespace detach {

// All texts are for people, in printable ASCII.

// Verdict is how one identity fared.
struct Verdict {
  std::string name;      // its subject
  std::string obstacle;  // why it was not taken ("expired on …"); empty: it is the one
};

struct IdentityChoice {
  std::shared_ptr<const Identity> identity;  // null: none fits
  std::string name;                          // of that identity
  std::string authorities;        // whom the server takes certificates from: "CN=A or CN=B"
  std::vector<Verdict> verdicts;  // one for each identity, in their order

  // Report returns the name of the identity; or in one sentence whom the server takes certificates
  // from, and why each identity was not taken.
  std::string Report() const;
};

// ChooseIdentity returns the identity to answer `request` with: one that is valid at `now`, for
// client authentication (RFC 5280 §4.2.1.3, §4.2.1.12), whose key can sign by a scheme that the
// server named, and whose chain leads, by CAs that are valid at `now`, to an authority that the
// server named, if it named any. Of several the most specific, whose path to a named authority is
// the shortest; then the newest; then the one whose certificate comes first by its bytes. So the
// order of `identities` decides nothing.
IdentityChoice ChooseIdentity(
    std::span<const std::shared_ptr<const Identity>> identities, const CertificateRequest& request,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_IDENTITY_CHOOSER_H_
