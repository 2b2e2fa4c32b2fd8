#include "proxies/tunnel/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>

namespace detach {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kLongestText = INET6_ADDRSTRLEN - 1;

// RFC 4291 §2.5.5.1, deprecated there: ::a.b.c.d. The addresses :: and ::1 are not of this kind.
bool IsIpv4Compatible(const std::array<std::uint8_t, 16>& bytes) {
  return std::all_of(bytes.begin(), bytes.begin() + 12, [](auto b) { return b == 0; }) &&
         (bytes[12] != 0 || bytes[13] != 0);
}

}  // namespace

IpAddress::IpAddress(std::span<const std::uint8_t, 4> ipv4) noexcept {
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
  std::copy(ipv4.begin(), ipv4.end(), bytes_.begin() + 12);
}

IpAddress::IpAddress(std::span<const std::uint8_t, 16> ipv6) noexcept {
  std::copy(ipv6.begin(), ipv6.end(), bytes_.begin());
}

std::optional<IpAddress> IpAddress::ParseCanonical(std::string_view text) {
  if (text.size() > kLongestText || text.find('\0') != text.npos) return std::nullopt;
  const std::string terminated(text);
  std::optional<IpAddress> address;
  std::array<std::uint8_t, 4> ipv4;
  std::array<std::uint8_t, 16> ipv6;
  if (inet_pton(AF_INET, terminated.c_str(), ipv4.data()) == 1) {
    address = IpAddress(ipv4);
  } else if (inet_pton(AF_INET6, terminated.c_str(), ipv6.data()) == 1) {
    address = IpAddress(ipv6);
    if (address->is_ipv4() || IsIpv4Compatible(ipv6)) return std::nullopt;
  }
  // The way back is what makes it canonical.
  if (!address || address->ToString() != text) return std::nullopt;
  return address;
}

bool IpAddress::is_ipv4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

std::array<std::uint8_t, 4> IpAddress::ipv4() const noexcept {
  assert(is_ipv4());
  return {bytes_[12], bytes_[13], bytes_[14], bytes_[15]};
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = is_ipv4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? 12 : 0), text, sizeof text);
  return text;
}

}  // namespace detach
