// What a reverse proxy does, as configured: a connection keeps the policy that it began with.
#ifndef DETACH_PROXIES_REVERSE_REVERSE_POLICY_H_
#define DETACH_PROXIES_REVERSE_REVERSE_POLICY_H_

#include <memory>
#include <string>

#include "bio/backend/tls_backend.h"
#include "bio/status.h"
#include "proxies/identity/client_chains.h"
#include "proxies/reverse/config.h"

namespace detach {

// ReversePolicy is a configuration in force: a connection keeps the one that it began with.
struct ReversePolicy {
  ReverseProxyConfig config;
  std::unique_ptr<TlsContext> tls;
  ClientChains client_chains;  // what `tls` trusts

  // Load reads the file at `path` and all that it names, and starts a keeper where it names what
  // one is to keep. The error (kMisuse) is one line that begins with the path.
  static Result<std::shared_ptr<const ReversePolicy>> Load(const std::string& path,
                                                           const StartKeeper& start);
};

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_REVERSE_POLICY_H_
