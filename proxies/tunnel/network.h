// Networks of IP addresses, as configurations write them.
#ifndef DETACH_PROXIES_TUNNEL_NETWORK_H_
#define DETACH_PROXIES_TUNNEL_NETWORK_H_

#include <string>
#include <string_view>

#include "bio/status.h"
#include "proxies/tunnel/ip_address.h"

namespace detach {

// Network is all addresses that share a prefix (CIDR, RFC 4632 and RFC 4291 §2.3).
class Network {
 public:
  // Parse reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone, which is a network of one.
  // kMisuse where the address is not canonical, or has a bit set behind the prefix: one of the two
  // numbers is then not what the operator means.
  static Result<Network> Parse(std::string_view text);

  // Contains: an IPv6 network, ::/0 included, contains no IPv4 address.
  bool Contains(const IpAddress& address) const noexcept;

  // ToString returns the form that Parse reads; the prefix is always there.
  std::string ToString() const;

  bool is_ipv4() const noexcept { return first_.is_ipv4(); }

  friend bool operator==(const Network&, const Network&) = default;

 private:
  Network(const IpAddress& first, int prefix) : first_(first), prefix_(prefix) {}

  // The first address; all bits from `prefix_` on are zero. 0 <= prefix_ <= IpAddress::kBits, in
  // bits of the 16-byte form: 10.0.0.0/8 has 96 + 8.
  IpAddress first_;
  int prefix_;
};

// ForbiddenByDefault reports whether `address` is where no name of a destination may lead unless
// the operator lists it: this host (loopback, unspecified), the link (link-local, where the
// metadata services of clouds are), multicast and broadcast. An IPv4 address within IPv6 (mapped,
// compatible, NAT64) is judged as what it is.
bool ForbiddenByDefault(const IpAddress& address) noexcept;

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_NETWORK_H_
