// The target of a CONNECT request.
#ifndef DETACH_PROXIES_TUNNEL_AUTHORITY_H_
#define DETACH_PROXIES_TUNNEL_AUTHORITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bio/status.h"
#include "proxies/tunnel/ip_address.h"

namespace detach {

// ParseHostName returns `text` in lower case if it is a host name: 1 to 253 characters, labels of 1
// to 63 letters, digits, hyphens (not at their ends) and underscores, no trailing dot. A name whose
// last label is a number ("127.1", "2130706433", "0x7f.1") is none: resolvers take it for an IPv4
// address (WHATWG URL, "ends in a number"; the same in getaddrinfo). kViolation otherwise.
Result<std::string> ParseHostName(std::string_view text);

// ParsePort returns a decimal number from 1 to 65535 without leading zeros, or nullopt.
std::optional<std::uint16_t> ParsePort(std::string_view text);

// Authority is `host:port`, the only form that a CONNECT target has (RFC 9110 §7.1).
struct Authority {
  std::string host;  // lower case; an address is in canonical form, IPv6 without brackets
  std::uint16_t port = 0;
  std::optional<IpAddress> address;  // set iff `host` is an address literal

  // Parse reads `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`. Names as ParseHostName,
  // addresses as IpAddress::ParseCanonical, after lower-casing. kViolation for everything else: a
  // policy must never see a spelling that somebody behind it reads differently.
  static Result<Authority> Parse(std::string_view text);

  // ToString returns the canonical text, which Parse reads.
  std::string ToString() const;

  friend bool operator==(const Authority&, const Authority&) = default;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_AUTHORITY_H_
