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

// ProxyService is what RunProxy calls back: one of the two proxies, and what stands around it.
//
// `Proxy` is ReverseProxy or ClientProxy: made of a shared Proxy::Policy and a Relay, with Serve
// and SetPolicy; kRole is its side of the outer TLS; Policy::Load reads a file, and its `config`
// has what ProxyProgram needs. Where Proxy::kConfined, `config.files` are those that it was read
// from, and what serves is confined.
template <typename Proxy>
class ProxyService {
 public:
  using Policy = std::shared_ptr<const typename Proxy::Policy>;

  // Load reads the configuration at `path`, which `keepers` was made for.
  static Result<Policy> Load(const std::string& path, KeeperStarter& keepers) {
    return Proxy::Policy::Load(
        path, [&keepers](const std::string& program) { return keepers.Start(program); });
  }

  // `policy` was loaded from `path`. Borrows `keepers` and `relay`.
  ProxyService(std::string path, Policy policy, KeeperStarter& keepers, Relay& relay)
      : path_(std::move(path)),
        keepers_(keepers),
        relay_(relay),
        proxy_(policy, relay),
        first_(std::move(policy)) {}

  // Program refers to this object.
  ProxyProgram Program() {
    const auto& config = first_->config;
    ProxyProgram program;
    program.listen = config.listen;
    program.pid_file = config.pid_file;
    program.threads = config.threads;
    program.max_connections = static_cast<std::size_t>(config.limits.max_connections);
    program.drain = config.limits.drain;
    program.start = [this] { return Start(); };
    program.handler = [this](Socket socket, Server::Place place) {
      return proxy_.Serve(std::move(socket), std::move(place));
    };
    program.reload = [this] { return Reload(); };
    program.child_ended = [this] { SayWhetherMonitorEnded(); };
    return program;
  }

 private:
  Status Start() {
    if constexpr (Proxy::kConfined) {
      if (Status status = GiveUpRights(first_->config); !status.ok()) return status;
    }
    first_.reset();  // a reload lets it go
    return relay_.Start();
  }

  template <typename Config>
  static Status GiveUpRights(const Config& config) {
#ifdef DETACH_COVERAGE  // of `bazel coverage` alone: .bazelrc
    Log(LogLevel::kWarning, "not_confined", {{"reason", "a build that measures coverage"}});
#else
    if (Status status = Confine(config.files, config.pid_file.text); !status.ok()) return status;
#endif
    WarnOfKeysWithinReach(config.keeper.KeyFiles());
    return {};
  }

  Status Reload() {
    Result<Policy> fresh = Load(path_, keepers_);
    if (!fresh.ok()) return fresh.status();
    const auto& config = (*fresh)->config;
    ConfigureLog(config.log.level, config.log.format);
    if constexpr (Proxy::kConfined) WarnOfKeysWithinReach(config.keeper.KeyFiles());
    proxy_.SetPolicy(*std::move(fresh));
    return {};
  }

  void SayWhetherMonitorEnded() {
    if (!keepers_.MonitorHasEnded()) return;
    Log(LogLevel::kError, "keeper_monitor_ended",
        {{"in_force",
          "the keys of connections and of the configuration, as long as their keepers live"},
         {"advice", "start the proxy again"}});
  }

  const std::string path_;
  KeeperStarter& keepers_;
  Relay& relay_;
  Proxy proxy_;
  Policy first_;  // until Start has returned
};

// ProxyMain serves by the configuration at `path` until the signals that RunProxy names, or only
// checks it, and returns the exit code. Whatever is wrong is one line on standard error.
template <typename Proxy>
int ProxyMain(const std::string& path, bool check_only) {
  KeeperStarter keepers(path, Proxy::kRole, check_only);
  auto policy = ProxyService<Proxy>::Load(path, keepers);
  if (!policy.ok()) return ExitWith(kWrongUsage, policy.status());
  if (check_only) {
    std::cout << path << ": the configuration is good\n";
    return kEnded;
  }
  ConfigureLog((*policy)->config.log.level, (*policy)->config.log.format);
  const Result<SignalQueue> signals = SignalQueue::Open();
  if (!signals.ok()) return ExitWith(kFailed, signals.status());
  const Result<std::unique_ptr<Relay>> relay = Relay::Create();
  if (!relay.ok()) return ExitWith(kFailed, relay.status());
  ProxyService<Proxy> service(path, *std::move(policy), keepers, **relay);
  const Status ended = RunProxy(service.Program(), *signals);
  (*relay)->Shutdown();
  if (ended.ok()) return kEnded;
  return ExitWith(ended.fault() == Fault::kInternal ? kFailed : kWrongUsage, ended);
}

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_PROXY_MAIN_H_
