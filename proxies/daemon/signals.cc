#include "proxies/daemon/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace detach {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

int PollTimeout(std::optional<Clock::time_point> deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*deadline - Clock::now());
  return static_cast<int>(
      std::clamp<milliseconds::rep>(left.count(), 0, std::numeric_limits<int>::max()));
}

ProcessSignal Meaning(int signal) {
  if (signal == SIGHUP) return ProcessSignal::kReload;
  if (signal == SIGCHLD) return ProcessSignal::kChildEnded;
  return ProcessSignal::kTerminate;
}

}  // namespace

Result<SignalQueue> SignalQueue::Open() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    return Internal(std::string("pthread_sigmask: ") + std::strerror(error));
  }
  ::signal(SIGPIPE, SIG_IGN);
  // A confined process may not wait for them.
  struct sigaction reap = {};
  reap.sa_handler = SIG_DFL;
  reap.sa_flags = SA_NOCLDWAIT;
  ::sigaction(SIGCHLD, &reap, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return Internal(std::string("signalfd: ") + std::strerror(errno));
  return SignalQueue(std::move(fd));
}

std::optional<ProcessSignal> SignalQueue::Wait(std::optional<milliseconds> limit) const {
  std::optional<Clock::time_point> deadline;
  if (limit) deadline = Clock::now() + *limit;
  while (true) {
    signalfd_siginfo signal = {};
    if (::read(fd_.get(), &signal, sizeof signal) == sizeof signal) {
      return Meaning(static_cast<int>(signal.ssi_signo));
    }
    pollfd wanted = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wanted, 1, PollTimeout(deadline)) == 0) return std::nullopt;
  }
}

}  // namespace detach
