// Who may go where: the [[allow]] rows.
#ifndef DETACH_PROXIES_REVERSE_AUTHORIZATION_H_
#define DETACH_PROXIES_REVERSE_AUTHORIZATION_H_

#include <string>
#include <vector>

#include "proxies/config/toml_reader.h"
#include "proxies/identity/certificate_names.h"

namespace detach {

// AllowRow is one [[allow]] of the configuration.
struct AllowRow {
  ClientPattern client;
  std::vector<LocatedString> destinations;
  std::vector<LocatedString> networks;  // where names may lead; empty: the default
  bool detach = true;
};

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_AUTHORIZATION_H_
