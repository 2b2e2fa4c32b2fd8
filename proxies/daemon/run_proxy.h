// What both proxies do around serving: bind, announce, wait for signals, drain.
#ifndef DETACH_PROXIES_DAEMON_RUN_PROXY_H_
#define DETACH_PROXIES_DAEMON_RUN_PROXY_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "bio/status.h"
#include "proxies/config/settings.h"
#include "proxies/daemon/signals.h"
#include "proxies/net/server.h"

namespace detach {

// ProxyProgram is one of the two proxies, configured.
struct ProxyProgram {
  std::vector<ListenAddress> listen;
  LocatedString pid_file;  // empty: none
  int threads = 0;
  std::size_t max_connections = 0;
  std::chrono::milliseconds drain{0};
  std::function<Status()> start;  // between binding and serving; not ok: nothing is served
  Server::Handler handler;
  std::function<Status()> reload;     // reads the configuration again; not ok: the old one stays
  std::function<void()> child_ended;  // a process that this one has started
};

// RunProxy serves until SIGTERM or SIGINT, then takes no more connections, and returns when those
// that are left have ended, when `drain` has passed, or at the second signal. SIGHUP reloads.
// Logs "listening" with each address. No thread is started before `start` is called; `signals` were
// opened before any other was.
//
// kMisuse where a port is taken or the pid file cannot be written: one line with the position in
// the configuration, and nothing was started; kInternal where the system gives too little: threads,
// descriptors.
Status RunProxy(const ProxyProgram& program, const SignalQueue& signals);

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_RUN_PROXY_H_
