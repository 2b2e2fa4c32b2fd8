// What a proxy gives up once it is bound: so that whoever breaks into it has little of the machine.
#ifndef DETACH_PROXIES_DAEMON_CONFINEMENT_H_
#define DETACH_PROXIES_DAEMON_CONFINEMENT_H_

#include <string>
#include <vector>

#include "bio/status.h"

namespace detach {

// Confine takes from this process, for the rest of its life, what serving does not need, and logs
// "confined" with what holds. Then it
// - CAN use its sockets, open others (TCP, UDP, unix, netlink), start threads and resolve names;
//   read below the folders that `files` lie in, and what that takes of the system (/etc, libraries,
//   random numbers); delete below the folder of the pid file ("": there is none);
// - CANNOT gain privileges; start a program or a process; signal, trace or read another; open,
//   make, change or delete another file; or use any other system call that is not on the list
//   (ENOSYS).
//
// The calling thread must be the only one. A kernel without Landlock limits no files; the log says
// so. Fault kInternal where anything else fails; the program should end then.
Status Confine(const std::vector<std::string>& files, const std::string& pid_file);

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_CONFINEMENT_H_
