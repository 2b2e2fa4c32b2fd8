#include "bio/backend/tls_alert.h"

#include <algorithm>
#include <array>
#include <utility>

namespace detach {
namespace {

constexpr std::array<std::pair<std::uint8_t, const char*>, 30> kNames = {{
    {alert::kCloseNotify, "close notify"},
    {alert::kUnexpectedMessage, "unexpected message"},
    {alert::kBadRecordMac, "bad record mac"},
    {alert::kDecryptionFailed, "decryption failed"},
    {alert::kRecordOverflow, "record overflow"},
    {30, "decompression failure"},
    {alert::kHandshakeFailure, "handshake failure"},
    {alert::kBadCertificate, "bad certificate"},
    {alert::kUnsupportedCertificate, "unsupported certificate"},
    {alert::kCertificateRevoked, "certificate revoked"},
    {alert::kCertificateExpired, "certificate expired"},
    {alert::kCertificateUnknown, "certificate unknown"},
    {alert::kIllegalParameter, "illegal parameter"},
    {alert::kUnknownCa, "unknown CA"},
    {alert::kAccessDenied, "access denied"},
    {alert::kDecodeError, "decode error"},
    {alert::kDecryptError, "decrypt error"},
    {alert::kProtocolVersion, "protocol version"},
    {alert::kInsufficientSecurity, "insufficient security"},
    {alert::kInternalError, "internal error"},
    {alert::kInappropriateFallback, "inappropriate fallback"},
    {90, "user canceled"},
    {100, "no renegotiation"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {112, "unrecognized name"},
    {113, "bad certificate status response"},
    {115, "unknown PSK identity"},
    {alert::kCertificateRequired, "certificate required"},
    {alert::kNoApplicationProtocol, "no application protocol"},
}};

constexpr std::array kAccusing = {
    alert::kUnexpectedMessage, alert::kBadRecordMac,     alert::kDecryptionFailed,
    alert::kRecordOverflow,    alert::kIllegalParameter, alert::kDecodeError,
    alert::kDecryptError,
};

}  // namespace

std::string AlertName(std::uint8_t description) {
  for (const auto& [code, name] : kNames) {
    if (code == description) return name;
  }
  return "alert " + std::to_string(description);
}

Status PeerAlert(std::uint8_t description) {
  const bool accuses = std::ranges::count(kAccusing, description) > 0;
  return {accuses ? Fault::kViolation : Fault::kIncompatible,
          "the peer ended TLS with the alert \"" + AlertName(description) + "\" (" +
              std::to_string(description) + ")"};
}

}  // namespace detach
