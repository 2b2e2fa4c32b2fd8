// What a connection that could not go on leaves behind: a line in the log.
#ifndef DETACH_PROXIES_DAEMON_LOG_FAILURES_H_
#define DETACH_PROXIES_DAEMON_LOG_FAILURES_H_

#include "proxies/net/server.h"

namespace detach {

// LogFailures returns `handler` with a log line, "connection_failed", for each exception that
// leaves it: no descriptor, no memory, no thread. That connection has been closed by then; the
// others go on.
Server::Handler LogFailures(Server::Handler handler);

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_LOG_FAILURES_H_
