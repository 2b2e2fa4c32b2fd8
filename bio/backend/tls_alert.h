// TLS alerts (RFC 9846 §6) as words and as a Status, the same whichever TLS stack is below.
#ifndef DETACH_BIO_BACKEND_TLS_ALERT_H_
#define DETACH_BIO_BACKEND_TLS_ALERT_H_

#include <cstdint>
#include <string>

#include "bio/status.h"

namespace detach {

// alert has the descriptions by which something is decided.
namespace alert {
inline constexpr std::uint8_t kCloseNotify = 0;
inline constexpr std::uint8_t kUnexpectedMessage = 10;
inline constexpr std::uint8_t kBadRecordMac = 20;
inline constexpr std::uint8_t kDecryptionFailed = 21;
inline constexpr std::uint8_t kRecordOverflow = 22;
inline constexpr std::uint8_t kHandshakeFailure = 40;
inline constexpr std::uint8_t kBadCertificate = 42;
inline constexpr std::uint8_t kUnsupportedCertificate = 43;
inline constexpr std::uint8_t kCertificateRevoked = 44;
inline constexpr std::uint8_t kCertificateExpired = 45;
inline constexpr std::uint8_t kCertificateUnknown = 46;
inline constexpr std::uint8_t kIllegalParameter = 47;
inline constexpr std::uint8_t kUnknownCa = 48;
inline constexpr std::uint8_t kAccessDenied = 49;
inline constexpr std::uint8_t kDecodeError = 50;
inline constexpr std::uint8_t kDecryptError = 51;
inline constexpr std::uint8_t kProtocolVersion = 70;
inline constexpr std::uint8_t kInsufficientSecurity = 71;
inline constexpr std::uint8_t kInternalError = 80;
inline constexpr std::uint8_t kInappropriateFallback = 86;
inline constexpr std::uint8_t kCertificateRequired = 116;
inline constexpr std::uint8_t kNoApplicationProtocol = 120;
}  // namespace alert

// AlertName returns the name of an alert description, or "alert N".
std::string AlertName(std::uint8_t description);

// PeerAlert is the error of a connection that the peer ended with a fatal alert. kViolation where
// the alert accuses us of breaking the protocol, or the path of changing bytes; kIncompatible where
// it says that the peer does not take what it got.
Status PeerAlert(std::uint8_t description);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_TLS_ALERT_H_
