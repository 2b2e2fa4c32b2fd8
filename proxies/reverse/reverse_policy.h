// What a reverse proxy does, as configured: a connection keeps the policy that it began with.
#ifndef DETACH_PROXIES_REVERSE_REVERSE_POLICY_H_
#define DETACH_PROXIES_REVERSE_REVERSE_POLICY_H_

#include <memory>

#include "bio/backend/tls_backend.h"
#include "bio/status.h"
#include "proxies/reverse/config.h"

namespace detach {

// ReversePolicy is a configuration in force: a connection keeps the one that it began with.
struct ReversePolicy {
  ReverseProxyConfig config;
  std::unique_ptr<TlsContext> tls;

  static Result<std::shared_ptr<const ReversePolicy>> Make(ReverseProxyConfig config);
};

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_REVERSE_POLICY_H_
