// What the main() of both proxies does behind its flags.
#ifndef DETACH_PROXIES_DAEMON_PROXY_MAIN_H_
#define DETACH_PROXIES_DAEMON_PROXY_MAIN_H_

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "bio/status.h"
#include "proxies/daemon/confinement.h"
#include "proxies/daemon/key_reach.h"
#include "proxies/daemon/run_proxy.h"
#include "proxies/daemon/signals.h"
#include "proxies/keeper/keeper_starter.h"
#include "proxies/log/log.h"
#include "proxies/tunnel/relay.h"

namespace detach {

enum ExitCode : int { kEnded = 0, kFailed = 1, kWrongUsage = 2 };

inline int ExitWith(ExitCode code, const Status& status) {
  std::cerr << status.message() << '\n';
  return code;
}

// ProxyMain serves by the configuration at `path` until the signals that RunProxy names, or only
// checks it, and returns the exit code. Whatever is wrong is one line on standard error.
//
// `Proxy` is ReverseProxy or ClientProxy: made of a shared Proxy::Policy and a Relay, with Serve
// and SetPolicy; kRole is its side of the outer TLS; Policy::Load reads a file, and its `config`
// has what ProxyProgram needs. Where Proxy::kConfined, `config.files` are those that it was read
// from, and what serves is confined.
template <typename Proxy>
int ProxyMain(const std::string& path, bool check_only) {
  KeeperStarter keepers(path, Proxy::kRole, check_only);
  const auto start_keeper = [&keepers](const std::string& program) {
    return keepers.Start(program);
  };
  auto policy = Proxy::Policy::Load(path, start_keeper);
  if (!policy.ok()) return ExitWith(kWrongUsage, policy.status());
  if (check_only) {
    std::cout << path << ": the configuration is good\n";
    return kEnded;
  }
  auto first = *std::move(policy);
  const auto& config = first->config;
  ConfigureLog(config.log.level, config.log.format);
  const Result<SignalQueue> signals = SignalQueue::Open();
  if (!signals.ok()) return ExitWith(kFailed, signals.status());
  const Result<std::unique_ptr<Relay>> relay = Relay::Create();
  if (!relay.ok()) return ExitWith(kFailed, relay.status());
  Proxy proxy(first, **relay);

  ProxyProgram program;
  program.listen = config.listen;
  program.pid_file = config.pid_file;
  program.threads = config.threads;
  program.max_connections = static_cast<std::size_t>(config.limits.max_connections);
  program.drain = config.limits.drain;
  program.start = [&]() -> Status {
    if constexpr (Proxy::kConfined) {
#ifdef DETACH_COVERAGE  // of `bazel coverage` alone: .bazelrc
      Log(LogLevel::kWarning, "not_confined", {{"reason", "a build that measures coverage"}});
#else
      if (Status status = Confine(config.files, config.pid_file.text); !status.ok()) return status;
#endif
      WarnOfKeysWithinReach(config.keeper.KeyFiles());
    }
    first.reset();  // a reload lets it go
    return (*relay)->Start();
  };
  program.handler = [&proxy](Socket socket, Server::Place place) {
    return proxy.Serve(std::move(socket), std::move(place));
  };
  program.reload = [&]() -> Status {
    auto fresh = Proxy::Policy::Load(path, start_keeper);
    if (!fresh.ok()) return fresh.status();
    ConfigureLog((*fresh)->config.log.level, (*fresh)->config.log.format);
    if constexpr (Proxy::kConfined) WarnOfKeysWithinReach((*fresh)->config.keeper.KeyFiles());
    proxy.SetPolicy(*std::move(fresh));
    return {};
  };
  program.child_ended = [&keepers] {
    if (!keepers.MonitorHasEnded()) return;
    Log(LogLevel::kError, "keeper_monitor_ended",
        {{"in_force",
          "the keys of connections and of the configuration, as long as their keepers"
          " live"},
         {"advice", "start the proxy again"}});
  };
  const Status ended = RunProxy(program, *signals);
  (*relay)->Shutdown();
  if (ended.ok()) return kEnded;
  return ExitWith(ended.fault() == Fault::kInternal ? kFailed : kWrongUsage, ended);
}

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_PROXY_MAIN_H_
