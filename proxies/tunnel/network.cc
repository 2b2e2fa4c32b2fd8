#include "proxies/tunnel/network.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace detach {
namespace {

constexpr int kIpv4Offset = 96;

bool SharePrefix(const IpAddress& a, const IpAddress& b, int bits) noexcept {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(a.bytes().begin(), a.bytes().begin() + whole, b.bytes().begin())) return false;
  if (bits % 8 == 0) return true;
  const int mask = 0xff00 >> bits % 8 & 0xff;
  return ((a.bytes()[whole] ^ b.bytes()[whole]) & mask) == 0;
}

bool IsZeroFrom(const IpAddress& address, int bit) noexcept {
  for (; bit < IpAddress::kBits; ++bit) {
    if (address.bytes()[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) return false;
  }
  return true;
}

// A decimal number from 0 to `max` without leading zeros.
std::optional<int> ParsePrefix(std::string_view text, int max) {
  int prefix = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || prefix < 0 || prefix > max || (text.size() > 1 && text[0] == '0')) {
    return std::nullopt;
  }
  return prefix;
}

Status NoNetwork(std::string_view text, std::string_view why) {
  return Misuse("'" + std::string(text) + "' is not a network: " + std::string(why));
}

// An IPv4 address as such or within IPv6: compatible (RFC 4291 §2.5.5.1; :: and ::1 look like one
// of 0.0.0.0/8), or as NAT64 translates it (RFC 6052).
bool EndsInIpv4(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kCompatible = {};
  constexpr std::array<std::uint8_t, 12> kNat64 = {0x00, 0x64, 0xff, 0x9b};
  const auto starts_with = [&address](const std::array<std::uint8_t, 12>& prefix) {
    return std::equal(prefix.begin(), prefix.end(), address.bytes().begin());
  };
  return address.is_ipv4() || starts_with(kCompatible) || starts_with(kNat64);
}

}  // namespace

Result<Network> Network::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto first = IpAddress::ParseCanonical(text.substr(0, slash));
  if (!first) return NoNetwork(text, "an address in its usual form comes first");
  const int offset = first->is_ipv4() ? kIpv4Offset : 0;
  if (slash == text.npos) return Network(*first, IpAddress::kBits);

  const auto prefix = ParsePrefix(text.substr(slash + 1), IpAddress::kBits - offset);
  if (!prefix) return NoNetwork(text, "behind / stands the number of bits of the prefix");
  if (!IsZeroFrom(*first, offset + *prefix)) {
    return NoNetwork(text, "the address has bits set behind the prefix");
  }
  return Network(*first, offset + *prefix);
}

bool Network::Contains(const IpAddress& address) const noexcept {
  return address.is_ipv4() == is_ipv4() && SharePrefix(first_, address, prefix_);
}

std::string Network::ToString() const {
  return first_.ToString() + "/" + std::to_string(prefix_ - (is_ipv4() ? kIpv4Offset : 0));
}

bool ForbiddenByDefault(const IpAddress& address) noexcept {
  const auto& b = address.bytes();
  if (EndsInIpv4(address)) {
    const bool broadcast = (b[12] & b[13] & b[14] & b[15]) == 255;
    return b[12] == 0 || b[12] == 127 || (b[12] == 169 && b[13] == 254) || b[12] >> 4 == 0xe ||
           broadcast;
  }
  const bool link_local = b[0] == 0xfe && b[1] >> 6 == 2;
  return link_local || b[0] == 0xff;
}

}  // namespace detach
