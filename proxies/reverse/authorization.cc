#include "proxies/reverse/authorization.h"

#include <algorithm>

namespace detach {
namespace {

bool AnyMatches(const std::vector<HostPattern>& patterns, const Authority& destination) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const HostPattern& pattern) { return pattern.Matches(destination); });
}

}  // namespace

bool Grant::MayConnect(const IpAddress& address) const {
  if (literal) return address == *literal;
  if (networks.empty()) return !ForbiddenByDefault(address);
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.Contains(address); });
}

Result<Grant> Authorize(const std::vector<AllowRow>& rows, const CertificateNames& client,
                        const Authority& destination) {
  bool client_has_row = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].client.Matches(client)) continue;
    client_has_row = true;
    if (!AnyMatches(rows[i].destinations, destination)) continue;
    return Grant{i, rows[i].detach, rows[i].networks, destination.address};
  }
  const std::string who = client.Identity();
  if (!client_has_row) return Incompatible("no allow row is for the client " + who);
  return Incompatible("no allow row for the client " + who + " has the destination " +
                      destination.ToString());
}

}  // namespace detach
