// Patterns of destinations: the same in `allow`, in the mapping and in PAC.
#ifndef DETACH_PROXIES_TUNNEL_HOST_PATTERN_H_
#define DETACH_PROXIES_TUNNEL_HOST_PATTERN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "bio/status.h"
#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/network.h"

namespace detach {

enum class PatternPort {
  kRequired,  // `allow`: an operator says which ports
  kOptional,  // the mapping: without one, any port
};

// HostPattern is one of
//   wiki.corp.example:443    that name
//   *.corp.example:443       one or more labels below corp.example; not corp.example itself
//   10.1.0.0/16:8443         address literals in that network; 10.1.2.3:8443 is one address
//   [2001:db8::]/32:443      the same for IPv6
// Names match names and networks match address literals: what a name resolves to is not looked at
// here (AllowRow's networks do that).
class HostPattern {
 public:
  // Parse: names in any case, addresses canonical. kMisuse for anything else; the message is for an
  // operator.
  static Result<HostPattern> Parse(std::string_view text, PatternPort port);

  bool Matches(const Authority& authority) const;

  // ToString returns the canonical form that Parse reads.
  std::string ToString() const;

  struct Name {
    std::string name;  // lower case
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct Below {
    std::string domain;  // lower case, without the leading dot
    friend bool operator==(const Below&, const Below&) = default;
  };
  using Host = std::variant<Name, Below, Network>;

  const Host& host() const noexcept { return host_; }
  std::optional<std::uint16_t> port() const noexcept { return port_; }  // nullopt: any

  friend bool operator==(const HostPattern&, const HostPattern&) = default;

 private:
  HostPattern(Host host, std::optional<std::uint16_t> port) : host_(std::move(host)), port_(port) {}

  static Result<Host> ParseHost(std::string_view text);

  Host host_;
  std::optional<std::uint16_t> port_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_HOST_PATTERN_H_
