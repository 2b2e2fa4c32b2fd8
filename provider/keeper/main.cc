// detach-keeper: flags and wiring.

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "program/standard_descriptors.h"
#include "program/supervisor.h"
#include "provider/keeper/config.h"
#include "provider/keeper/confinement.h"
#include "provider/keeper/log.h"
#include "provider/keeper/monitor.h"
#include "provider/keeper/requests.h"
#include "provider/keeper/server.h"
#include "provider/keeper/termination.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

enum ExitCode : int { kEnded = 0, kFailed = 1, kWrongUsage = 2 };

// Flags are what stands on the command line.
struct Flags {
  std::string config;
  std::optional<Purpose> purpose;  // there: `config` is a proxy's
  UniqueFd inherited;
  UniqueFd report;
  UniqueFd monitor;
  bool quiet = false;
};

// Inherited owns the descriptor `number`; a program that a PKCS#11 module starts does not inherit
// it in turn: the monitor sees that a keeper has died when nobody has what it inherited any more.
UniqueFd Inherited(int number) {
  UniqueFd descriptor(number);
  if (descriptor.valid()) ::fcntl(descriptor.get(), F_SETFD, FD_CLOEXEC);
  return descriptor;
}

// Report says `text` to who has started this keeper, where he listens: in one message.
void Report(const UniqueFd& report, std::string_view text) {
  ::send(report.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

int ExitWith(ExitCode code, const Status& status, const UniqueFd& report = {}) {
  if (report.valid()) {
    Report(report, status.message());
  } else {
    std::cerr << status.message() << '\n';
  }
  return code;
}

// So that the process does not end where its log is not read any more, either.
Status HearSignals(const Flags& flags, const UniqueFd& end) {
  ::signal(SIGPIPE, SIG_IGN);
  if (!flags.purpose) return TakeTermination(end);
  IgnoreTermination();
  return {};
}

// Open gives `server` those whom it is to serve.
Status Open(KeeperServer& server, const LocatedString& socket, UniqueFd inherited) {
  if (socket.empty() && !inherited.valid()) {
    return Misuse(socket.position +
                  ": \"socket\" is missing, and there is no --inherited-fd; add one");
  }
  if (inherited.valid()) {
    Status status = server.TakeConnectionsFrom(std::move(inherited));
    if (!status.ok()) return status;
  }
  if (socket.empty()) return {};
  Result<UniqueFd> listener = ListenAt(socket.text);
  if (!listener.ok()) return Misuse(socket.position + ": " + listener.status().message());
  server.Listen(*std::move(listener));
  return {};
}

// libcrypto's secure heap is not where a module has its keys.
std::string_view LockedMemory(std::string_view locked, Pkcs11Use use) {
  return use != Pkcs11Use::kNone && locked == "private_keys" ? "private_keys_of_files" : locked;
}

// Where no proxy has started this keeper, whoever has (systemd) may start now what asks it: what
// comes before Run waits. Later this process may open no socket.
void SayThatItListens(const UniqueFd& report) {
  if (report.valid()) return;
  if (Status status = NotifySupervisor(ServiceState::kReady); !status.ok()) {
    LogEvent("warning", "supervisor_not_told", {{"reason", status.message()}});
  }
}

// Without tokens no file is opened at all.
Status LimitFiles(Pkcs11Use use) {
  return use == Pkcs11Use::kNone ? Status() : LetNothingBeWritten();
}

// A token may be slow, or wait to be touched: who needs another key finds a thread meanwhile.
unsigned WantedThreads(Pkcs11Use use) {
  const unsigned least = use == Pkcs11Use::kNone ? 1 : 4;
  return std::max(least, std::thread::hardware_concurrency());
}

int Keep(Flags flags) {
  // Open until the process ends, which the monitor sees by it: what modules do when a program exits
  // may take for ever.
  static const UniqueFd& report = *new UniqueFd(std::move(flags.report));
  const Result<std::string_view> locked = ProtectMemory();
  if (!locked.ok()) return ExitWith(kFailed, locked.status(), report);
  Result<KeeperConfig> config = flags.purpose ? LoadKeeperOfProxy(flags.config, *flags.purpose)
                                              : LoadKeeperConfig(flags.config);
  if (!config.ok()) return ExitWith(kWrongUsage, config.status(), report);
  const UniqueFd end(::eventfd(0, EFD_CLOEXEC));
  if (Status status = HearSignals(flags, end); !status.ok()) {
    return ExitWith(kFailed, status, report);
  }
  Requests requests(std::move(config->identities), std::move(config->databases));
  KeeperServer server(requests, config->allow_users);
  if (Status status = Open(server, config->socket, std::move(flags.inherited)); !status.ok()) {
    return ExitWith(kWrongUsage, status, report);
  }
  // Also where a module has threads of its own already: nothing is opened for writing anyhow.
  if (Status status = LimitFiles(config->pkcs11_use); !status.ok()) {
    LogEvent("warning", "files_not_limited", {{"reason", status.message()}});
  }
  const unsigned threads = 1 + server.Start(WantedThreads(config->pkcs11_use) - 1);
  SayThatItListens(report);
  if (Status status = AllowOnlyServing(config->pkcs11_use); !status.ok()) {
    return ExitWith(kFailed, status, report);
  }
  if (!flags.quiet) {
    LogEvent(*locked == "all" ? "info" : "warning", "ready",
             {{"identities", requests.count()},
              {"socket", config->socket.text},
              {"threads", threads},
              {"locked_memory", LockedMemory(*locked, config->pkcs11_use)}});
  }
  if (report.valid()) Report(report, kKeeperReady);
  server.Run(end.get());
  if (!flags.quiet) LogEvent("info", "ended");
  return kEnded;
}

int Watch(Flags flags, std::vector<std::string> arguments) {
  IgnoreTermination();
  ::signal(SIGPIPE, SIG_IGN);
  Monitor(std::move(flags.monitor), std::move(arguments)).Run();
  return kEnded;
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  detach::OpenStandardDescriptors();
  CLI::App app(
      "Holds private keys for other processes, and signs for them what each key is for, and "
      "nothing else: handshakes of TLS in one role, or certificates that it writes itself.");
  app.name("detach-keeper");
  std::string config;
  std::string purpose;
  int inherited = -1;
  int report = -1;
  int monitor = -1;
  app.add_option("--config", config, "the configuration file (TOML)")->required();
  CLI::Option* const inherited_fd = app.add_option(
      "--inherited-fd", inherited,
      "the keeper's end of a socketpair (SOCK_SEQPACKET) through which its parent sends "
      "connections");
  app.add_option("--purpose", purpose,
                 "the configuration file is a proxy's: hold what its table [keeper] names, for "
                 "this purpose, until nobody has the other end of --inherited-fd any more; "
                 "SIGTERM and SIGINT do not end it")
      ->check(CLI::IsMember({"tls-server", "tls-client"}));
  app.add_option("--report-fd", report, "a socket: say there in one message \"ready\", or why not")
      ->needs(inherited_fd);
  app.add_option("--monitor-fd", monitor,
                 "hold no key: start such a keeper for each socketpair that the parent sends "
                 "through this one, and again where it dies")
      ->excludes(inherited_fd)
      ->needs("--purpose");
  bool quiet = false;
  app.add_flag("--quiet", quiet, "log neither the beginning nor the end");
  app.footer(
      "SIGTERM and SIGINT end it; SIGHUP does nothing: its files are read at the start only. "
      "Exit codes: 0 ended, 1 failed, 2 wrong usage or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? detach::kEnded : detach::kWrongUsage;
  }
  ::prctl(PR_SET_NAME, "detach-keeper");  // the monitor starts it as /proc/self/exe
  detach::Flags flags{config,
                      std::nullopt,
                      detach::Inherited(inherited),
                      detach::Inherited(report),
                      detach::Inherited(monitor),
                      quiet};
  if (flags.monitor.valid()) {
    std::vector<std::string> arguments = {"--config", config, "--purpose", purpose};
    if (quiet) arguments.emplace_back("--quiet");
    return detach::Watch(std::move(flags), std::move(arguments));
  }
  if (purpose == "tls-server") flags.purpose = detach::Purpose::kTlsServer;
  if (purpose == "tls-client") flags.purpose = detach::Purpose::kTlsClient;
  return detach::Keep(std::move(flags));
}
