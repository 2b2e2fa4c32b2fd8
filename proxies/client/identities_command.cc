#include "proxies/client/identities_command.h"

#include <cstddef>
#include <iostream>
#include <optional>
#include <utility>

#include "proxies/client/certificate_inquiry.h"
#include "proxies/client/config.h"
#include "proxies/client/proxy_url.h"
#include "proxies/daemon/proxy_main.h"
#include "proxies/identity/certificate_database.h"
#include "proxies/identity/identity_chooser.h"
#include "proxies/identity/identity_description.h"
#include "proxies/keeper/keeper_starter.h"

namespace detach {
namespace {

// What `server` would get of what was found.
Result<IdentityChoice> ChoiceFor(const ClientProxyConfig& config, const LoadedIdentities& found,
                                 const Authority& server) {
  const Result<std::optional<CertificateRequest>> request = AskForRequest(config, server);
  if (!request.ok()) return request.status();
  if (!*request) return Incompatible(server.ToString() + ": asks for no client certificate");
  return ChooseIdentity(IdentitiesOf(found), **request);
}

void Print(const LoadedIdentities& found, const IdentityChoice* choice) {
  for (std::size_t i = 0; i < found.identities.size(); ++i) {
    std::cout << DescribeIdentity(found.identities[i]);
    if (choice != nullptr) {
      const std::string& obstacle = choice->verdicts[i].obstacle;
      std::cout << "  choice       "
                << (obstacle.empty() ? "this one" : "not this one: it " + obstacle) << '\n';
    }
    std::cout << '\n';
  }
  if (found.identities.empty()) std::cout << "the certificate database is empty\n";
  for (const std::string& line : found.skipped) std::cout << "passed over: " << line << '\n';
}

}  // namespace

int ListIdentities(const std::string& config_path, const std::string& url) {
  KeeperStarter keepers(config_path, Role::kClient, true);
  const Result<ClientProxyConfig> config = LoadClientProxyConfig(
      config_path, [&](const std::string& program) { return keepers.Start(program); });
  if (!config.ok()) return ExitWith(kWrongUsage, config.status());
  const LoadedIdentities found = config->database->Read();
  if (url.empty()) {
    Print(found, nullptr);
    return kEnded;
  }
  const Result<Authority> server = ParseHttpsProxyUrl(url);
  if (!server.ok()) return ExitWith(kWrongUsage, Misuse("--for: " + server.status().message()));
  const Result<IdentityChoice> choice = ChoiceFor(*config, found, *server);
  Print(found, choice.ok() ? &*choice : nullptr);
  std::cout.flush();
  if (!choice.ok()) return ExitWith(kFailed, choice.status());
  const std::string asks =
      server->ToString() + " asks for a certificate from " + choice->authorities;
  if (choice->identity == nullptr) return ExitWith(kFailed, Incompatible(asks + ": none fits"));
  std::cout << asks << ": " << choice->name << " would be sent\n";
  return kEnded;
}

}  // namespace detach
