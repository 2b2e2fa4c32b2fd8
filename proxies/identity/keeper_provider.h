// detach.so in this process, so that OpenSSL can use the keeper's keys.
#ifndef DETACH_PROXIES_IDENTITY_KEEPER_PROVIDER_H_
#define DETACH_PROXIES_IDENTITY_KEEPER_PROVIDER_H_

#include <string>

#include "bio/status.h"

namespace detach {

// LoadKeeperProvider loads detach.so into libcrypto's default context, once in a process: it
// answers URIs of the scheme identity: from then on, each of which says where its keeper is.
// `module` is its path; where it is empty, it is looked for in OpenSSL's directory of modules.
// kMisuse where it cannot be loaded, where OpenSSL's own configuration has loaded it already, and,
// later, for another module. Not thread-safe.
Status LoadKeeperProvider(const std::string& module);

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_KEEPER_PROVIDER_H_
