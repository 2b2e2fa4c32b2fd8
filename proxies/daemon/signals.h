// The signals that a proxy is run by, read instead of interrupting.
#ifndef DETACH_PROXIES_DAEMON_SIGNALS_H_
#define DETACH_PROXIES_DAEMON_SIGNALS_H_

#include <chrono>
#include <optional>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

enum class ProcessSignal {
  kTerminate,  // SIGTERM or SIGINT: drain; once more: end now
  kReload,     // SIGHUP
  kChildEnded,
};

// SignalQueue receives this process's signals.
class SignalQueue {
 public:
  // Open blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD for the calling thread and the threads that it
  // will start, ignores SIGPIPE for the process, and leaves it to the kernel to reap children. Call
  // it before the first thread is started.
  static Result<SignalQueue> Open();

  // Wait returns the next signal, or nothing when none comes within `limit` (without one: for
  // ever). By one thread at a time.
  std::optional<ProcessSignal> Wait(
      std::optional<std::chrono::milliseconds> limit = std::nullopt) const;

 private:
  explicit SignalQueue(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_SIGNALS_H_
