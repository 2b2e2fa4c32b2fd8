// The system calls of a proxy that serves.
#ifndef DETACH_PROXIES_DAEMON_ALLOWED_CALLS_H_
#define DETACH_PROXIES_DAEMON_ALLOWED_CALLS_H_

#include <vector>

#include "program/system_calls.h"

namespace detach {

// AllowedCalls returns what sockets, threads, timers, reading files and resolving names take on any
// Debian, and what makes none of these. It is of this process: a copy of it has another number.
std::vector<SystemCall> AllowedCalls();

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_ALLOWED_CALLS_H_
