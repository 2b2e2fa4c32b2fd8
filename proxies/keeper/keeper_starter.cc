#include "proxies/keeper/keeper_starter.h"

#include <limits.h>
#include <poll.h>
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

// A token that is slow, or wants to be touched.
constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(1);

std::string BesideThisProgram() {
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string own(path.data(), static_cast<std::size_t>(size > 0 ? size : 0));
  return own.substr(0, own.rfind('/') + 1) + "detach-keeper";
}

bool IsReadable(const UniqueFd& socket, std::chrono::milliseconds limit) {
  pollfd wanted = {.fd = socket.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(limit.count())) == 1;
}

Status MonitorEnded() {
  return Internal("the keeper's monitor has ended; is the program detach-keeper?");
}

// Verdict is what the keeper at the other end of `channel`, which has read `config`, says first.
Status Verdict(const UniqueFd& channel, const std::string& config) {
  if (!IsReadable(channel, kPatience)) {
    return Internal("the keeper has not read its keys within a minute");
  }
  std::array<char, 8192> text;
  const ssize_t size = ::recv(channel.get(), text.data(), text.size(), 0);
  if (size <= 0) return MonitorEnded();
  const std::string said(text.data(), static_cast<std::size_t>(size));
  if (said == kKeeperReady) return {};
  return said.starts_with(config + ':') ? Misuse(said) : Internal(said);
}

}  // namespace

Result<UniqueFd> KeeperStarter::Start(const std::string& program) {
  if (Status status = HaveMonitor(program); !status.ok()) return status;
  Result<UniqueFd> channel = ConnectThrough(control_.get());
  if (!channel.ok()) return MonitorEnded();
  if (Status status = Verdict(*channel, config_); !status.ok()) return status;
  return channel;
}

bool KeeperStarter::MonitorHasEnded() {
  // It says nothing; so what there is to read is its end.
  if (!control_.valid() || !IsReadable(control_, std::chrono::milliseconds(0))) return false;
  control_.reset();
  return true;
}

Status KeeperStarter::HaveMonitor(const std::string& program) {
  if (!MonitorHasEnded() && control_.valid()) return {};
  Result<PacketPair> control = NewPacketPair();
  if (!control.ok()) return control.status();
  const std::array<int, 1> descriptors = {control->theirs.get()};
  std::vector<std::string> arguments = {
      "--config",     config_,
      "--purpose",    role_ == Role::kServer ? "tls-server" : "tls-client",
      "--monitor-fd", std::to_string(kFirstDescriptor)};
  if (quiet_) arguments.emplace_back("--quiet");
  const Result<pid_t> started =
      StartProgram(program.empty() ? BesideThisProgram() : program, arguments, descriptors);
  if (!started.ok()) {
    return Internal("no keeper can be started: " + started.status().message() +
                    "; install it there, or say in [keeper] where it is: program = "
                    "\"/path/detach-keeper\"");
  }
  control_ = std::move(control->ours);
  return {};
}

}  // namespace detach
