// How the two proxies agree to detach: the TLS-Detach field, bound to the outer connection.
#ifndef DETACH_PROXIES_TUNNEL_DETACH_AGREEMENT_H_
#define DETACH_PROXIES_TUNNEL_DETACH_AGREEMENT_H_

#include <optional>
#include <string>

#include "bio/backend/tls_backend.h"
#include "bio/session/tls_session.h"
#include "bio/status.h"
#include "proxies/tunnel/detach_field.h"

namespace detach {

// OuterConnection is what an agreement needs to know of the TLS between the two proxies.
struct OuterConnection {
  OuterConnection(const TlsSession& session);  // NOLINT(google-explicit-constructor)
  OuterConnection(const TlsBackend& backend);  // NOLINT(google-explicit-constructor)

  bool half_detach;  // one direction can be left alone
  // What the offer and the answer carry. kIncompatible over TLS 1.2 without an extended master
  // secret.
  Result<Binding> offer_binding;
  Result<Binding> answer_binding;
};

// OfferDetach returns the value of the field with which a client proxy asks for `mode` over
// `outer`. kIncompatible where `outer` cannot: kCovered needs TLS 1.3, TLS 1.2 an extended master
// secret.
Result<std::string> OfferDetach(const OuterConnection& outer, DetachMode mode);

// Agreement is a reverse proxy's answer to an offer.
struct Agreement {
  std::optional<DetachMode> mode;  // none: an ordinary tunnel, answered without the field
  std::string field;               // the value to answer with, where there is a mode
  std::string why_not;             // for the log, where there is none
};

// AgreeToDetach answers the offer `field` over `outer`: yes only where the mode is one of those
// allowed, `outer` can do it, and the binding shows that the offer was made on this very
// connection.
Agreement AgreeToDetach(const OuterConnection& outer, const std::string& field, bool allow_covered,
                        bool allow_connect);

// VerifyAgreement checks the reverse proxy's `field` against what was asked for. kViolation where
// they differ: the two ends must never disagree about what was agreed.
Status VerifyAgreement(const OuterConnection& outer, const std::string& field, DetachMode asked);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_DETACH_AGREEMENT_H_
