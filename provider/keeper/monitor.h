// The process between a proxy and the keepers that it has started. It has no key.
#ifndef DETACH_PROVIDER_KEEPER_MONITOR_H_
#define DETACH_PROVIDER_KEEPER_MONITOR_H_

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// kKeeperReady is the whole of the message by which a keeper, or for it the monitor, says that it
// serves. Any other says in one line why it does not.
inline constexpr std::string_view kKeeperReady = "ready";

// Monitor starts a keeper for each channel that comes through `control`, which is a channel itself
// (channel.h); and starts it again when it dies, at once, then with growing pauses. The first
// message that comes back through a channel says whether its keeper serves: kKeeperReady, or why
// not, and then none is started again. A keeper of which nobody has the other end of the channel
// any more ends by itself.
//
// A keeper is this program with `arguments`, and
// - --inherited-fd: its end of the channel, which this process has too, so that what no keeper has
//   read waits for the next;
// - --report-fd: where it says once whether it serves, and which it closes by dying.
class Monitor {
 public:
  // No more keepers than these are there at the same time.
  static constexpr std::size_t kMaxKeepers = 256;

  Monitor(UniqueFd control, std::vector<std::string> arguments)
      : control_(std::move(control)), arguments_(std::move(arguments)) {}

  // Run returns when nobody has the other end of `control` any more, and no keeper is left: those
  // that do not end by themselves then are killed.
  void Run();

 private:
  using Clock = std::chrono::steady_clock;

  struct Keeper {
    UniqueFd channel;  // not valid: it is not to be started again
    UniqueFd report;   // of the one that runs; not valid: none does
    pid_t pid = 0;
    bool serves = false;      // the one that runs
    bool has_served = false;  // it, or one before it
    Clock::time_point started;
    Clock::time_point next;  // where none runs: when to start it
    Clock::duration pause{0};
  };

  void Wait(Clock::time_point next = Clock::time_point::max());
  void LookAfter(Keeper& keeper);
  void TakeChannel();
  void Forget();
  void Abandon(Keeper& keeper);
  void End();
  void Start(Keeper& keeper);
  void NotStarted(Keeper& keeper, const Status& why);
  void Hear(Keeper& keeper);
  void Reap(Keeper& keeper);
  void Postpone(Keeper& keeper);
  void Refuse(Keeper& keeper, const std::string& reason);

  UniqueFd control_;
  std::vector<std::string> arguments_;
  std::vector<Keeper> keepers_;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_MONITOR_H_
