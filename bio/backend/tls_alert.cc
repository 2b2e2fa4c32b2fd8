#include "bio/backend/tls_alert.h"

#include <algorithm>
#include <array>
#include <utility>

namespace detach {
namespace {

constexpr std::array<std::pair<std::uint8_t, const char*>, 30> kNames = {{
    {0, "close notify"},
    {10, "unexpected message"},
    {20, "bad record mac"},
    {21, "decryption failed"},
    {22, "record overflow"},
    {30, "decompression failure"},
    {40, "handshake failure"},
    {42, "bad certificate"},
    {43, "unsupported certificate"},
    {44, "certificate revoked"},
    {45, "certificate expired"},
    {46, "certificate unknown"},
    {47, "illegal parameter"},
    {48, "unknown CA"},
    {49, "access denied"},
    {50, "decode error"},
    {51, "decrypt error"},
    {70, "protocol version"},
    {71, "insufficient security"},
    {80, "internal error"},
    {86, "inappropriate fallback"},
    {90, "user canceled"},
    {100, "no renegotiation"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {112, "unrecognized name"},
    {113, "bad certificate status response"},
    {115, "unknown PSK identity"},
    {116, "certificate required"},
    {120, "no application protocol"},
}};

constexpr std::array<std::uint8_t, 7> kAccusing = {10, 20, 21, 22, 47, 50, 51};

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
