#include "proxies/reverse/reverse_policy.h"

#include <utility>

#include "bio/backend/openssl/openssl_context.h"

namespace detach {

Result<std::shared_ptr<const ReversePolicy>> ReversePolicy::Make(ReverseProxyConfig config) {
  Result<std::unique_ptr<TlsContext>> tls = NewOpenSslContext(config.tls);
  if (!tls.ok()) return tls.status();
  auto policy = std::make_shared<ReversePolicy>();
  policy->tls = *std::move(tls);
  policy->config = std::move(config);
  return std::shared_ptr<const ReversePolicy>(std::move(policy));
}

}  // namespace detach
