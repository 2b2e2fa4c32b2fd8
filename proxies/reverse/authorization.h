// Who may go where: the [[allow]] rows.
#ifndef DETACH_PROXIES_REVERSE_AUTHORIZATION_H_
#define DETACH_PROXIES_REVERSE_AUTHORIZATION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bio/status.h"
#include "proxies/identity/certificate_names.h"
#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/host_pattern.h"
#include "proxies/tunnel/ip_address.h"
#include "proxies/tunnel/network.h"

namespace detach {

// AllowRow is one [[allow]] of the configuration.
struct AllowRow {
  ClientPattern client;
  std::vector<HostPattern> destinations;
  std::vector<Network> networks;  // where names may lead; empty: not where ForbiddenByDefault says
  bool detach = true;
};

// Grant is what the row that allowed a tunnel says about it. A value: it outlives a reload.
struct Grant {
  std::size_t row = 0;  // in the order of the file, from 0
  bool detach = true;
  std::vector<Network> networks;
  std::optional<IpAddress> literal;  // the destination, where it was named by its address

  // MayConnect reports whether `address`, to which the destination resolved, may be connected to. A
  // destination that was named by its address leads there and nowhere else.
  bool MayConnect(const IpAddress& address) const;
};

// Authorize returns what the first row for `client` and `destination` grants. Nothing is allowed
// but by a row; the refusal (kIncompatible) says whether any row is for this client at all. The
// client's certificate must have verified, `destination` comes from Authority::Parse.
Result<Grant> Authorize(const std::vector<AllowRow>& rows, const CertificateNames& client,
                        const Authority& destination);

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_AUTHORIZATION_H_
