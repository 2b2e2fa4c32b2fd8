// detach-reverse-proxy: flags and wiring.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "proxies/daemon/run_proxy.h"
#include "proxies/daemon/signals.h"
#include "proxies/log/log.h"
#include "proxies/reverse/config.h"
#include "proxies/reverse/reverse_policy.h"
#include "proxies/reverse/reverse_proxy.h"
#include "proxies/tunnel/relay.h"

namespace detach {
namespace {

constexpr int kRuntimeError = 1;
constexpr int kConfigurationError = 2;

Result<std::shared_ptr<const ReversePolicy>> LoadPolicy(const std::string& path) {
  Result<ReverseProxyConfig> config = LoadReverseProxyConfig(path);
  if (!config.ok()) return config.status();
  Result<std::shared_ptr<const ReversePolicy>> policy = ReversePolicy::Make(*std::move(config));
  if (!policy.ok()) return Misuse(path + ": " + policy.status().message());
  return policy;
}

int Fail(int code, const Status& status) {
  std::cerr << status.message() << '\n';
  return code;
}

int Run(const std::string& path, bool check_only) {
  const Result<std::shared_ptr<const ReversePolicy>> policy = LoadPolicy(path);
  if (!policy.ok()) return Fail(kConfigurationError, policy.status());
  if (check_only) {
    std::cout << path << ": the configuration is good\n";
    return 0;
  }
  const ReverseProxyConfig& config = (*policy)->config;
  ConfigureLog(config.log.level, config.log.format);
  const Result<SignalQueue> signals = SignalQueue::Open();
  if (!signals.ok()) return Fail(kRuntimeError, signals.status());
  const Result<std::unique_ptr<Relay>> relay = Relay::Create();
  if (!relay.ok()) return Fail(kRuntimeError, relay.status());
  ReverseProxy proxy(*policy, **relay);

  ProxyProgram program;
  program.listen = config.listen;
  program.pid_file = config.pid_file;
  program.threads = config.threads;
  program.max_connections = static_cast<std::size_t>(config.limits.max_connections);
  program.drain = config.limits.drain;
  program.handler = [&proxy](Socket socket, Server::Place place) {
    return proxy.Serve(std::move(socket), std::move(place));
  };
  program.reload = [&proxy, &path]() -> Status {
    Result<std::shared_ptr<const ReversePolicy>> fresh = LoadPolicy(path);
    if (!fresh.ok()) return fresh.status();
    const LogSettings& log = (*fresh)->config.log;
    ConfigureLog(log.level, log.format);
    proxy.SetPolicy(*std::move(fresh));
    return {};
  };
  const Status ended = RunProxy(program, *signals);
  (*relay)->Shutdown();
  return ended.ok() ? 0 : Fail(kConfigurationError, ended);
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  CLI::App app(
      "The reverse proxy: lets clients with a certificate through to the destinations that its "
      "configuration allows, and takes its TLS off once the inner TLS stands.");
  app.name("detach-reverse-proxy");
  std::string config;
  bool check_config = false;
  app.add_option("--config", config, "the configuration file (TOML)")->required();
  app.add_flag("--check-config", check_config,
               "only read and check the configuration: exit code 0 if it is good, else 2");
  app.footer(
      "Signals: SIGTERM drains, a second one ends at once; SIGHUP reads the configuration "
      "again, but listen, "
      "pid_file, threads, max_connections and drain, which stay as they were at the start.\nExit "
      "codes: 0 ended, 1 failed, 2 wrong usage or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return detach::Run(config, check_config);
}
