// Which system calls a process may make from now on: seccomp.
#ifndef DETACH_PROGRAM_SYSTEM_CALLS_H_
#define DETACH_PROGRAM_SYSTEM_CALLS_H_

#include <seccomp.h>

#include <cstdint>
#include <optional>
#include <span>

#include "bio/status.h"

namespace detach {

// SystemCall is one that may be made: with any arguments, or only where one of them is so. Several
// of the same number: where one of them fits.
struct SystemCall {
  int number;  // SCMP_SYS(…)
  std::optional<scmp_arg_cmp> only = std::nullopt;
};

// AllowOnly refuses every other system call to the process from now on: to all its threads, those
// that run already too, and to all that they start; and it sets no_new_privs. `refusal` is
// libseccomp's: SCMP_ACT_ERRNO(…) or SCMP_ACT_KILL_PROCESS. A call by the numbers of another
// architecture (i386, x32) kills the process in any case. There is no way back.
//
// Fault kInternal when the kernel refuses: then nothing has changed.
Status AllowOnly(std::span<const SystemCall> calls, std::uint32_t refusal);

}  // namespace detach

#endif  // DETACH_PROGRAM_SYSTEM_CALLS_H_
