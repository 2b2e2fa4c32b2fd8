// The keepers that a proxy starts.
#ifndef DETACH_PROXIES_KEEPER_KEEPER_STARTER_H_
#define DETACH_PROXIES_KEEPER_KEEPER_STARTER_H_

#include <string>

#include "bio/backend/tls_config.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// KeeperStarter starts keepers for what the table `keeper` of one configuration file names: one for
// each time that it is asked, which reads the file as it is then. It does so through a process of
// its own, the keeper's monitor, which it starts when it is asked first; so this process may have
// given up by then what starting a program takes. The monitor starts a keeper again that dies, and
// ends with this process. For one thread.
class KeeperStarter {
 public:
  // `config` is the file, `role` what its keys are for. `quiet`: the log says nothing of keepers
  // that only begin and end. Opens what it needs for good: a process that is confined later need
  // not be able to.
  KeeperStarter(std::string config, Role role, bool quiet);

  // Start returns this end of a channel (provider/keeper/channel.h) whose keeper serves. The keeper
  // ends when nobody has this end any more, nor a connection that was made through it. `program` is
  // the path of detach-keeper; empty: beside this program. Only of the first call does it count.
  //
  // kMisuse where something is wrong in the file, or below it: what the keeper says, and it begins
  // with the position. kInternal where no keeper can be started. Blocks until the keeper has read
  // its keys, for a minute at most, and no longer than until SIGTERM or SIGINT waits for this
  // process, where the caller has blocked them.
  Result<UniqueFd> Start(const std::string& program);

  // MonitorHasEnded tells whether there was a monitor that has ended; once. The next call of Start
  // starts another, where that can be.
  bool MonitorHasEnded();

 private:
  Status HaveMonitor(const std::string& program);

  std::string config_;
  Role role_;
  bool quiet_;
  UniqueFd terminations_;
  UniqueFd control_;  // the monitor's channel; not valid: there is none
};

}  // namespace detach

#endif  // DETACH_PROXIES_KEEPER_KEEPER_STARTER_H_
