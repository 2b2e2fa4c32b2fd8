#include "provider/keeper/monitor.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "program/start_program.h"
#include "provider/keeper/channel.h"
#include "provider/keeper/log.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kThisProgram = "/proc/self/exe";
// One that dies sooner than that is started again with a pause.
constexpr seconds kSettled{10};
constexpr milliseconds kFirstPause{100};
constexpr seconds kLongestPause{10};
// How long keepers have to end by themselves.
constexpr seconds kFarewell{5};

// HasHungUp tells whether nobody has the other end of `socket` any more.
bool HasHungUp(const UniqueFd& socket) {
  pollfd asked = {.fd = socket.get(), .events = 0, .revents = 0};
  return ::poll(&asked, 1, 0) == 1;
}

// WaitFor reaps `child`, and returns what it has ended by.
std::string WaitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

void Monitor::Run() {
  while (control_.valid()) {
    Wait();
    for (Keeper& keeper : keepers_) LookAfter(keeper);
    Forget();
    TakeChannel();
  }
  End();
}

void Monitor::LookAfter(Keeper& keeper) {
  if (keeper.report.valid()) Hear(keeper);
  if (keeper.channel.valid() && HasHungUp(keeper.channel)) Abandon(keeper);
  if (keeper.channel.valid() && !keeper.report.valid() && keeper.next <= Clock::now()) {
    Start(keeper);
  }
}

void Monitor::Forget() {
  std::erase_if(keepers_, [](const Keeper& keeper) {
    return !keeper.channel.valid() && !keeper.report.valid();
  });
}

// A keeper that serves ends when its connections have; one that hangs in its keys would never see
// that nobody waits for it any more.
void Monitor::Abandon(Keeper& keeper) {
  keeper.channel.reset();
  if (keeper.report.valid() && !keeper.serves) ::kill(keeper.pid, SIGKILL);
}

// The proxy has ended, and so nobody is left who could ask. A keeper may not see that: whoever has
// broken into a proxy can send it both ends of a connection, which then never ends.
void Monitor::End() {
  const Clock::time_point until = Clock::now() + kFarewell;
  for (Keeper& keeper : keepers_) Abandon(keeper);
  for (Forget(); !keepers_.empty() && Clock::now() < until; Forget()) {
    Wait(until);
    for (Keeper& keeper : keepers_) LookAfter(keeper);
  }
  for (const Keeper& keeper : keepers_) ::kill(keeper.pid, SIGKILL);
}

// Wait returns when something is to be done, or at `next`.
void Monitor::Wait(Clock::time_point next) {
  std::vector<pollfd> wanted = {{.fd = control_.get(), .events = POLLIN, .revents = 0}};
  for (const Keeper& keeper : keepers_) {
    wanted.push_back({.fd = keeper.channel.get(), .events = 0, .revents = 0});
    wanted.push_back({.fd = keeper.report.get(), .events = POLLIN, .revents = 0});
    if (!keeper.report.valid()) next = std::min(next, keeper.next);
  }
  int limit = -1;
  if (next != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
    limit = static_cast<int>(std::max(left, milliseconds(0)).count());
  }
  ::poll(wanted.data(), wanted.size(), limit);
}

void Monitor::TakeChannel() {
  Result<UniqueFd> channel = AcceptFrom(control_.get());
  if (!channel.ok() && channel.status().fault() == Fault::kTransport) control_.reset();
  if (!channel.ok() || !channel->valid()) return;
  Keeper& keeper = keepers_.emplace_back();
  keeper.channel = *std::move(channel);
  if (keepers_.size() <= kMaxKeepers) return Start(keeper);
  Refuse(keeper, "there are " + std::to_string(kMaxKeepers) +
                     " keepers already, for connections that have lasted since as many reloads");
}

void Monitor::Start(Keeper& keeper) {
  Result<PacketPair> report = NewPacketPair();
  if (!report.ok()) return NotStarted(keeper, report.status());
  std::vector<std::string> arguments = arguments_;
  const std::array<int, 2> descriptors = {keeper.channel.get(), report->theirs.get()};
  arguments.insert(arguments.end(), {"--inherited-fd", std::to_string(kFirstDescriptor),
                                     "--report-fd", std::to_string(kFirstDescriptor + 1)});
  const Result<pid_t> started = StartProgram(kThisProgram, arguments, descriptors);
  if (!started.ok()) return NotStarted(keeper, started.status());
  keeper.pid = *started;
  keeper.report = std::move(report->ours);
  keeper.started = Clock::now();
  keeper.serves = false;
}

void Monitor::NotStarted(Keeper& keeper, const Status& why) {
  Refuse(keeper, "no keeper can be started: " + why.message());
}

// Hear takes what the keeper says of itself: at most one message, and that it is dead.
void Monitor::Hear(Keeper& keeper) {
  std::array<char, 8192> text;
  const ssize_t size = ::recv(keeper.report.get(), text.data(), text.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return Reap(keeper);
  const std::string said(text.data(), static_cast<std::size_t>(size));
  if (said != kKeeperReady) return Refuse(keeper, said);
  if (keeper.has_served) LogEvent("info", "keeper_started_again", {{"pid", keeper.pid}});
  if (!keeper.has_served) ::send(keeper.channel.get(), said.data(), said.size(), MSG_NOSIGNAL);
  keeper.serves = keeper.has_served = true;
}

void Monitor::Reap(Keeper& keeper) {
  const std::string how = WaitFor(keeper.pid);
  keeper.report.reset();
  if (!keeper.channel.valid() || HasHungUp(keeper.channel)) return keeper.channel.reset();
  LogEvent("error", "keeper_died", {{"pid", keeper.pid}, {"by", how}});
  if (!keeper.has_served) return Refuse(keeper, "the keeper has died before it served: " + how);
  Postpone(keeper);
}

void Monitor::Postpone(Keeper& keeper) {
  const Clock::time_point now = Clock::now();
  if (now - keeper.started >= kSettled) keeper.pause = Clock::duration(0);
  keeper.next = now + keeper.pause;
  keeper.pause = std::clamp<Clock::duration>(2 * keeper.pause, kFirstPause, kLongestPause);
}

// Refuse says why there is no keeper: to the proxy, as long as it waits for the first.
void Monitor::Refuse(Keeper& keeper, const std::string& reason) {
  if (keeper.has_served) {
    LogEvent("error", "keeper_not_started", {{"reason", reason}});
    return Postpone(keeper);
  }
  ::send(keeper.channel.get(), reason.data(), reason.size(), MSG_NOSIGNAL);
  keeper.channel.reset();
}

}  // namespace detach
