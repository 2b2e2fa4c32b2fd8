#include "provider/keeper/termination.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

namespace detach {
namespace {

constexpr itimerspec kFarewell = {.it_interval = {}, .it_value = {.tv_sec = 5, .tv_nsec = 0}};

// What the signals' handler uses.
std::atomic<int> end_event = -1;  // negative again from the first signal on
timer_t last_resort = {};

// On any thread, also on one that hangs. Who is impatient, and sends another, wins no time by it.
void End(int /*signal*/) {
  const int event = end_event.exchange(-1);
  if (event < 0) return;
  const int error = errno;
  ::timer_settime(last_resort, 0, &kFarewell, nullptr);
  ::eventfd_write(event, 1);
  errno = error;
}

Status Failed(const char* call) {
  return Internal(std::string(call) + " failed: " + std::strerror(errno));
}

}  // namespace

void IgnoreTermination() noexcept {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, SIG_IGN);
}

Status TakeTermination(const UniqueFd& end) {
  end_event = ::fcntl(end.get(), F_DUPFD_CLOEXEC, 0);
  if (end_event < 0) return Failed("eventfd");
  sigevent kill = {};
  kill.sigev_notify = SIGEV_SIGNAL;
  kill.sigev_signo = SIGKILL;
  if (::timer_create(CLOCK_MONOTONIC, &kill, &last_resort) != 0) return Failed("timer_create");
  ::signal(SIGHUP, SIG_IGN);
  struct sigaction action = {};
  action.sa_handler = End;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT}) ::sigaction(signal, &action, nullptr);
  return {};
}

}  // namespace detach
