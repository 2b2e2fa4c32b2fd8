#include "proxies/reverse/reverse_policy.h"

#include <utility>

#include "bio/backend/by_name/named_backend.h"

namespace detach {

Result<std::shared_ptr<const ReversePolicy>> ReversePolicy::Load(const std::string& path,
                                                                 const StartKeeper& start) {
  Result<ReverseProxyConfig> config = LoadReverseProxyConfig(path, start);
  if (!config.ok()) return config.status();
  Result<std::unique_ptr<TlsContext>> tls = NewTlsContext(config->backend, config->tls);
  if (!tls.ok()) return Misuse(path + ": " + tls.status().message());
  Result<ClientChains> chains = ClientChains::Create(config->tls);
  if (!chains.ok()) return Misuse(path + ": " + chains.status().message());
  auto policy = std::make_shared<ReversePolicy>();
  policy->tls = *std::move(tls);
  policy->client_chains = *std::move(chains);
  policy->config = *std::move(config);
  return std::shared_ptr<const ReversePolicy>(std::move(policy));
}

}  // namespace detach
