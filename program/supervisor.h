// Telling systemd, or what else starts programs as it does, what state this one is in:
// sd_notify(3).
#ifndef DETACH_PROGRAM_SUPERVISOR_H_
#define DETACH_PROGRAM_SUPERVISOR_H_

#include "bio/status.h"

namespace detach {

enum class ServiceState {
  kReady,      // it serves; also after a reload, whether the new file was taken or not
  kReloading,  // always followed by kReady
  kStopping,
};

// NotifySupervisor sends `state` to the datagram socket $NOTIFY_SOCKET. Without that variable
// nobody wants to know, which is success. Does not block.
Status NotifySupervisor(ServiceState state);

}  // namespace detach

#endif  // DETACH_PROGRAM_SUPERVISOR_H_
