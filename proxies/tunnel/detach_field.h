// The TLS-Detach field, by which a client proxy asks for detaching and a reverse proxy agrees.
#ifndef DETACH_PROXIES_TUNNEL_DETACH_FIELD_H_
#define DETACH_PROXIES_TUNNEL_DETACH_FIELD_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "bio/status.h"

namespace detach {

// DetachMode says when the two ends leave their TLS.
enum class DetachMode {
  kCovered,  // each direction right before its first application data record (the cover rule)
  kConnect,  // both directions behind the CONNECT response; TLS 1.2 and stacks that only close
             // fully
};

// DetachModeName returns the token that the field and the configuration have for `mode`.
constexpr std::string_view DetachModeName(DetachMode mode) noexcept {
  return mode == DetachMode::kCovered ? "covered" : "connect";
}

// The binding is this many bytes of the outer connection's exporter (RFC 9846 §7.5) with this label
// and, as context, the name of the side whose field it is. A middlebox that ends the TLS and copies
// fields has two connections, so two exporters, and no field that fits.
inline constexpr std::size_t kBindingSize = 16;
inline constexpr std::string_view kBindingLabel = "EXPERIMENTAL-tls-detach";
inline constexpr std::string_view kClientBindingContext = "client";
inline constexpr std::string_view kServerBindingContext = "server";

using Binding = std::array<std::uint8_t, kBindingSize>;

// DetachField is `v=1, when=MODE, cb=:BINDING:`, an RFC 9651 dictionary.
struct DetachField {
  DetachMode when = DetachMode::kCovered;
  Binding binding = {};

  // Parse reads a field value. Unknown keys and all parameters are ignored.
  //   kViolation:    no dictionary, or v, when or cb is missing or has a wrong type or size.
  //   kIncompatible: another version or mode than this code knows.
  // Either way a reverse proxy does not agree, and answers without the field; a client proxy, whose
  // peer claims to agree to something it did not ask for, closes.
  static Result<DetachField> Parse(std::string_view text);

  std::string Serialize() const;

  friend bool operator==(const DetachField&, const DetachField&) = default;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_DETACH_FIELD_H_
