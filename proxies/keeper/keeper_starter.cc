#include "proxies/keeper/keeper_starter.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "program/start_program.h"
#include "provider/keeper/channel.h"
#include "provider/keeper/monitor.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

// How long a keeper may read its keys: a token may be slow, or wait to be touched.
constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(1);

std::string BesideThisProgram() {
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string own(path.data(), static_cast<std::size_t>(size > 0 ? size : 0));
  return own.substr(0, own.rfind('/') + 1) + "detach-keeper";
}

bool IsReadable(const UniqueFd& socket) {
  pollfd wanted = {.fd = socket.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) == 1;
}

// TerminationSignals can be read while SIGTERM or SIGINT waits for this thread, which has blocked
// them. Whoever reads them as signals still gets them.
UniqueFd TerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

Status MonitorEnded() {
  return Internal("the keeper's monitor has ended; is the program detach-keeper?");
}

// WaitForVerdict returns when there is something to read in `channel`. Whoever ends this program
// does not wait for a token.
Status WaitForVerdict(const UniqueFd& channel, const UniqueFd& terminations) {
  std::array<pollfd, 2> wanted = {{{.fd = channel.get(), .events = POLLIN, .revents = 0},
                                   {.fd = terminations.get(), .events = POLLIN, .revents = 0}}};
  const int limit = static_cast<int>(kPatience.count());
  if (::poll(wanted.data(), wanted.size(), limit) < 1) {
    return Internal("the keeper has not read its keys within a minute");
  }
  if (wanted[0].revents != 0) return {};
  return Internal("the keeper has not read its keys yet, and this program is to end");
}

// Verdict is what the keeper at the other end of `channel`, which has read `config`, says first.
Status Verdict(const UniqueFd& channel, const std::string& config) {
  std::array<char, 8192> text;
  const ssize_t size = ::recv(channel.get(), text.data(), text.size(), 0);
  if (size <= 0) return MonitorEnded();
  const std::string said(text.data(), static_cast<std::size_t>(size));
  if (said == kKeeperReady) return {};
  return said.starts_with(config + ':') ? Misuse(said) : Internal(said);
}

Status NotStarted(const std::string& why) { return Internal("no keeper can be started: " + why); }

}  // namespace

KeeperStarter::KeeperStarter(std::string config, Role role, bool quiet)
    : config_(std::move(config)), role_(role), quiet_(quiet), terminations_(TerminationSignals()) {}

Result<UniqueFd> KeeperStarter::Start(const std::string& program) {
  if (Status status = HaveMonitor(program); !status.ok()) return status;
  Result<UniqueFd> channel = ConnectThrough(control_.get());
  if (!channel.ok()) {
    return IsReadable(control_) ? MonitorEnded() : NotStarted(channel.status().message());
  }
  if (Status status = WaitForVerdict(*channel, terminations_); !status.ok()) return status;
  if (Status status = Verdict(*channel, config_); !status.ok()) return status;
  return channel;
}

bool KeeperStarter::MonitorHasEnded() {
  // It says nothing; so what there is to read is its end.
  if (!control_.valid() || !IsReadable(control_)) return false;
  control_.reset();
  return true;
}

Status KeeperStarter::HaveMonitor(const std::string& program) {
  if (!MonitorHasEnded() && control_.valid()) return {};
  Result<PacketPair> control = NewPacketPair();
  if (!control.ok()) return NotStarted(control.status().message());
  const std::array<int, 1> descriptors = {control->theirs.get()};
  std::vector<std::string> arguments = {
      "--config",     config_,
      "--purpose",    role_ == Role::kServer ? "tls-server" : "tls-client",
      "--monitor-fd", std::to_string(kFirstDescriptor)};
  if (quiet_) arguments.emplace_back("--quiet");
  const std::string path = program.empty() ? BesideThisProgram() : program;
  const Result<pid_t> started = StartProgram(path, arguments, descriptors);
  if (!started.ok()) {
    const bool there = ::access(path.c_str(), X_OK) == 0;
    return NotStarted(started.status().message() +
                      (there ? ""
                             : "; install it there, or say in [keeper] where it is: program = "
                               "\"/path/detach-keeper\""));
  }
  control_ = std::move(control->ours);
  return {};
}

}  // namespace detach
