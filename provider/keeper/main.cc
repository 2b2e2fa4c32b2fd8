// detach-keeper: flags and wiring.

#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <utility>

#include "bio/socket/unique_fd.h"
#include "provider/keeper/config.h"
#include "provider/keeper/confinement.h"
#include "provider/keeper/log.h"
#include "provider/keeper/requests.h"
#include "provider/keeper/server.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

enum ExitCode : int { kEnded = 0, kFailed = 1, kWrongUsage = 2 };

int ExitWith(ExitCode code, const Status& status) {
  std::cerr << status.message() << '\n';
  return code;
}

// Also keeps a log that nobody reads any more from ending the process.
UniqueFd TerminationSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Open gives `server` those whom it is to serve.
Status Open(KeeperServer& server, const LocatedString& socket, UniqueFd inherited) {
  if (socket.empty() && !inherited.valid()) {
    return Misuse(socket.position +
                  ": \"socket\" is missing, and there is no --inherited-fd; add one");
  }
  if (inherited.valid()) {
    if (Status status = server.TakeConnectionsFrom(std::move(inherited)); !status.ok())
      return status;
  }
  if (socket.empty()) return {};
  Result<UniqueFd> listener = ListenAt(socket.text);
  if (!listener.ok()) return Misuse(socket.position + ": " + listener.status().message());
  server.Listen(*std::move(listener));
  return {};
}

int Keep(const std::string& path, UniqueFd inherited) {
  const Result<std::string_view> locked = ProtectMemory();
  if (!locked.ok()) return ExitWith(kFailed, locked.status());
  Result<KeeperConfig> config = LoadKeeperConfig(path);
  if (!config.ok()) return ExitWith(kWrongUsage, config.status());
  const UniqueFd signals = TerminationSignals();
  if (!signals.valid()) return ExitWith(kFailed, Internal("signalfd failed"));
  const std::size_t count = config->identities.size();
  Requests requests(std::move(config->identities));
  KeeperServer server(requests, config->allow_users);
  if (Status status = Open(server, config->socket, std::move(inherited)); !status.ok()) {
    return ExitWith(kWrongUsage, status);
  }
  if (Status status = AllowOnlyServing(); !status.ok()) return ExitWith(kFailed, status);
  LogEvent(*locked == "all" ? "info" : "warning", "ready",
           {{"identities", count}, {"socket", config->socket.text}, {"locked_memory", *locked}});
  server.Run(signals.get());
  LogEvent("info", "ended");
  return kEnded;
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  CLI::App app(
      "Holds private keys for other processes, and signs for them what each key is for: a TLS "
      "handshake in one role, and nothing else.");
  app.name("detach-keeper");
  std::string config;
  int inherited = -1;
  app.add_option("--config", config, "the configuration file (TOML)")->required();
  app.add_option("--inherited-fd", inherited,
                 "the keeper's end of a socketpair (SOCK_SEQPACKET) through which its parent sends "
                 "connections");
  app.footer("SIGTERM ends it. Exit codes: 0 ended, 1 failed, 2 wrong usage or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? detach::kEnded : detach::kWrongUsage;
  }
  return detach::Keep(config, detach::UniqueFd(inherited));
}
