// TLS alerts (RFC 9846 §6) as words and as a Status, the same whichever TLS stack is below.
#ifndef DETACH_BIO_BACKEND_TLS_ALERT_H_
#define DETACH_BIO_BACKEND_TLS_ALERT_H_

#include <cstdint>
#include <string>

#include "bio/status.h"

namespace detach {

// AlertName returns the name of an alert description, or "alert N".
std::string AlertName(std::uint8_t description);

// PeerAlert is the error of a connection that the peer ended with a fatal alert. kViolation where
// the alert accuses us of breaking the protocol, or the path of changing bytes; kIncompatible where
// it says that the peer does not take what it got.
Status PeerAlert(std::uint8_t description);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_TLS_ALERT_H_
