#include "provider/keeper/brief_closing.h"

#include <signal.h>
#include <unistd.h>

namespace detach {
namespace {

// No module's, as SIGALRM may be.
int Signal() { return SIGRTMIN; }

constexpr timespec kMillisecond = {.tv_sec = 0, .tv_nsec = 1'000'000};

}  // namespace

// A signal that is ignored would end no wait.
void BriefClosing::Prepare() {
  struct sigaction nothing = {};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  ::sigaction(Signal(), &nothing, nullptr);
}

// Again and again: the first may come before there is a wait.
BriefClosing::BriefClosing() {
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = Signal();
  event._sigev_un._tid = ::gettid();  // older headers have no other name for it
  const itimerspec times = {.it_interval = kMillisecond, .it_value = kMillisecond};
  runs_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  if (runs_) ::timer_settime(timer_, 0, &times, nullptr);
}

BriefClosing::~BriefClosing() {
  if (runs_) ::timer_delete(timer_);
}

}  // namespace detach
