#include "proxies/tunnel/host_pattern.h"

#include <algorithm>
#include <utility>

namespace detach {
namespace {

// Where the port's colon is: the last one outside brackets.
std::size_t FindPortColon(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  return bracket != text.npos && colon != text.npos && colon < bracket ? text.npos : colon;
}

bool IsBelow(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() + 1 && name.ends_with(domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

Status NoPattern(std::string_view text, std::string_view why) {
  return Misuse("'" + std::string(text) + "' is no pattern of hosts: " + std::string(why));
}

}  // namespace

Result<HostPattern::Host> HostPattern::ParseHost(std::string_view text) {
  if (text.starts_with("*.")) {
    Result<std::string> domain = ParseHostName(text.substr(2));
    if (!domain.ok()) return domain.status();
    return Host(Below{*std::move(domain)});
  }
  const bool bracketed = text.starts_with('[');
  if (bracketed || text.find('/') != text.npos || IpAddress::ParseCanonical(text)) {
    std::string network(text);
    if (bracketed) {
      const std::size_t end = network.find(']');
      const std::size_t prefix = std::min(network.find('/'), network.size());
      if (end + 1 != prefix) return Misuse("the bracket ends before the prefix");
      network.erase(end, 1).erase(0, 1);
    }
    Result<Network> parsed = Network::Parse(network);
    if (!parsed.ok()) return parsed.status();
    if (parsed->is_ipv4() == bracketed)
      return Misuse("IPv6 addresses, and no others, have brackets");
    return Host(*std::move(parsed));
  }
  Result<std::string> name = ParseHostName(text);
  if (!name.ok()) return name.status();
  return Host(Name{*std::move(name)});
}

Result<HostPattern> HostPattern::Parse(std::string_view text, PatternPort port_part) {
  const std::size_t colon = FindPortColon(text);
  std::optional<std::uint16_t> port;
  if (colon != text.npos) {
    port = ParsePort(text.substr(colon + 1));
    if (!port) return NoPattern(text, "behind the colon stands a port, 1 to 65535");
  } else if (port_part == PatternPort::kRequired) {
    return NoPattern(text, "it needs a port, as in '" + std::string(text) + ":443'");
  }
  Result<Host> host = ParseHost(text.substr(0, colon));
  if (!host.ok()) return NoPattern(text, host.status().message());
  return HostPattern(*std::move(host), port);
}

bool HostPattern::Matches(const Authority& authority) const {
  if (port_ && port_ != authority.port) return false;
  if (const auto* network = std::get_if<Network>(&host_)) {
    return authority.address && network->Contains(*authority.address);
  }
  if (authority.address) return false;
  if (const auto* below = std::get_if<Below>(&host_)) return IsBelow(authority.host, below->domain);
  return std::get<Name>(host_).name == authority.host;
}

std::string HostPattern::ToString() const {
  std::string text;
  if (const auto* network = std::get_if<Network>(&host_)) {
    text = network->ToString();
    if (!network->is_ipv4()) text.insert(text.find('/'), "]").insert(0, "[");
  } else if (const auto* below = std::get_if<Below>(&host_)) {
    text = "*." + below->domain;
  } else {
    text = std::get<Name>(host_).name;
  }
  return port_ ? text + ":" + std::to_string(*port_) : text;
}

}  // namespace detach
