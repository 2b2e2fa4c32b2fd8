// IP addresses as the proxies compare them.
#ifndef DETACH_PROXIES_TUNNEL_IP_ADDRESS_H_
#define DETACH_PROXIES_TUNNEL_IP_ADDRESS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace detach {

// IpAddress is an IPv4 or IPv6 address without a zone. An IPv4-mapped IPv6 address
// (::ffff:127.0.0.1) *is* the IPv4 address: no rule about the one can be evaded by the other.
class IpAddress {
 public:
  static constexpr int kBits = 128;

  explicit IpAddress(std::span<const std::uint8_t, 4> ipv4) noexcept;
  explicit IpAddress(std::span<const std::uint8_t, 16> ipv6) noexcept;

  // ParseCanonical reads dotted decimal (four numbers, no leading zero), or an IPv6 address as RFC
  // 5952 §4 writes it, without brackets. nullopt for every other spelling of an address (127.1,
  // 0x7f.0.0.1, 2130706433, 1::0:0:2, fe80::1%eth0), and for the deprecated forms of IPv6 that hide
  // an IPv4 address (::ffff:127.0.0.1, ::127.0.0.1): whoever means the IPv4 address can write it.
  static std::optional<IpAddress> ParseCanonical(std::string_view text);

  bool is_ipv4() const noexcept;

  // bytes returns 16 bytes, network order; an IPv4 address is mapped (RFC 4291 §2.5.5.2).
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  // ipv4 returns the four bytes of an IPv4 address. Precondition: is_ipv4().
  std::array<std::uint8_t, 4> ipv4() const noexcept;

  // ToString returns the form that ParseCanonical reads.
  std::string ToString() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_IP_ADDRESS_H_
