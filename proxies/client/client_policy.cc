#include "proxies/client/client_policy.h"

#include <algorithm>
#include <utility>

#include "bio/backend/by_name/named_backend.h"
#include "proxies/identity/identity_chooser.h"
#include "proxies/log/log.h"

namespace detach {

std::shared_ptr<const Identity> CertificateResponder::Answer(const CertificateRequest& request) {
  const LoadedIdentities found = database_->Read();
  LogNew(found.skipped);
  IdentityChoice choice = ChooseIdentity(IdentitiesOf(found), request);
  std::string report = choice.Report();
  if (choice.identity == nullptr) {
    for (const std::string& line : found.skipped) report += "; passed over: " + line;
  }
  const std::lock_guard lock(mutex_);
  last_answer_ = std::move(report);
  return std::move(choice.identity);
}

void CertificateResponder::LogNew(const std::vector<std::string>& skipped) {
  const std::lock_guard lock(mutex_);
  for (const std::string& line : skipped) {
    if (std::find(logged_.begin(), logged_.end(), line) != logged_.end()) continue;
    Log(LogLevel::kWarning, "identity_skipped", {{"reason", line}});
  }
  logged_ = skipped;
}

std::string CertificateResponder::last_answer() const {
  const std::lock_guard lock(mutex_);
  return last_answer_;
}

Result<std::shared_ptr<const ClientPolicy>> ClientPolicy::Load(const std::string& path,
                                                               const StartKeeper& start) {
  Result<ClientProxyConfig> config = LoadClientProxyConfig(path, start);
  if (!config.ok()) return config.status();
  auto policy = std::make_shared<ClientPolicy>();
  policy->certificates = std::make_unique<CertificateResponder>(config->database);
  TlsConfig tls = config->tls;
  tls.choose_identity = [certificates =
                             policy->certificates.get()](const CertificateRequest& request) {
    return certificates->Answer(request);
  };
  Result<std::unique_ptr<TlsContext>> context = NewTlsContext(config->backend, tls);
  if (!context.ok()) return Misuse(path + ": " + context.status().message());
  policy->tls = *std::move(context);
  policy->config = *std::move(config);
  return std::shared_ptr<const ClientPolicy>(std::move(policy));
}

}  // namespace detach
