#include "proxies/daemon/run_proxy.h"

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "program/supervisor.h"
#include "proxies/daemon/descriptor_limit.h"
#include "proxies/daemon/log_failures.h"
#include "proxies/daemon/pid_file.h"
#include "proxies/log/log.h"
#include "proxies/tunnel/endpoint.h"

namespace detach {
namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often a draining program looks whether the last tunnel has ended.
constexpr milliseconds kDrainPoll{50};

tcp::endpoint ToEndpoint(const ListenAddress& listen) {
  asio::error_code never;  // the text of an IpAddress is an address
  return {asio::ip::make_address(listen.address.ToString(), never), listen.port};
}

Status BindAll(const ProxyProgram& program, Server& server, std::vector<std::string>& bound) {
  for (const ListenAddress& listen : program.listen) {
    const tcp::endpoint endpoint = ToEndpoint(listen);
    const Result<tcp::endpoint> listening = server.Listen(endpoint);
    if (!listening.ok()) {
      return Misuse(listen.position + ": cannot listen on " + EndpointText(endpoint) + ": " +
                    listening.status().message());
    }
    bound.push_back(EndpointText(*listening));
  }
  return {};
}

// A supervisor that cannot be told is no reason not to serve.
void Notify(ServiceState state) {
  if (const Status status = NotifySupervisor(state); !status.ok()) {
    Log(LogLevel::kWarning, "supervisor_not_told", {{"reason", status.message()}});
  }
}

void Reload(const ProxyProgram& program) {
  Notify(ServiceState::kReloading);
  if (const Status status = program.reload(); status.ok()) {
    Log(LogLevel::kInfo, "reloaded");
  } else {
    Log(LogLevel::kError, "reload_failed",
        {{"reason", status.message()}, {"in_force", "the configuration before"}});
  }
  Notify(ServiceState::kReady);
}

void ServeUntilTerminated(const ProxyProgram& program, const SignalQueue& signals) {
  while (true) {
    switch (*signals.Wait()) {
      case ProcessSignal::kTerminate:
        return;
      case ProcessSignal::kReload:
        Reload(program);
        break;
      case ProcessSignal::kChildEnded:
        program.child_ended();
        break;
    }
  }
}

void Drain(const ProxyProgram& program, const SignalQueue& signals, Server& server) {
  Notify(ServiceState::kStopping);
  server.StopAccepting();
  Log(LogLevel::kInfo, "draining", {{"connections", server.connections()}});
  const steady_clock::time_point until = steady_clock::now() + program.drain;
  while (server.connections() > 0 && steady_clock::now() < until) {
    if (signals.Wait(kDrainPoll) == ProcessSignal::kTerminate) break;
  }
  Log(LogLevel::kInfo, "stopped", {{"cut", server.connections()}});
}

Status Run(const ProxyProgram& program, const SignalQueue& signals) {
  RaiseDescriptorLimit();
  Server server(program.threads, program.max_connections, LogFailures(program.handler));
  std::vector<std::string> bound;
  if (Status status = BindAll(program, server, bound); !status.ok()) return status;
  std::optional<PidFile> pid_file;
  if (!program.pid_file.empty()) {
    Result<PidFile> created = PidFile::Create(program.pid_file.text);
    if (!created.ok()) {
      return Misuse(program.pid_file.position + ": " + created.status().message());
    }
    pid_file.emplace(*std::move(created));
  }
  if (Status status = program.start(); !status.ok()) return status;
  if (Status status = server.Start(); !status.ok()) return status;
  for (const std::string& address : bound) {
    Log(LogLevel::kInfo, "listening", {{"address", address}});
  }
  Notify(ServiceState::kReady);
  ServeUntilTerminated(program, signals);
  Drain(program, signals, server);
  server.Stop();
  return {};
}

}  // namespace

// Asio throws where there is no descriptor left for what it waits by.
Status RunProxy(const ProxyProgram& program, const SignalQueue& signals) {
  try {
    return Run(program, signals);
  } catch (const std::exception& error) {
    return Internal(std::string("cannot serve: ") + error.what());
  }
}

}  // namespace detach
