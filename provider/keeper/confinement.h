// What the keeper's process gives up before it listens to anybody.
#ifndef DETACH_PROVIDER_KEEPER_CONFINEMENT_H_
#define DETACH_PROVIDER_KEEPER_CONFINEMENT_H_

#include <string_view>

#include "bio/status.h"

namespace detach {

// ProtectMemory makes sure that what this process will hold is in no core file, that no other
// process of its user can read or trace it, and that it is not swapped out. Before the first key is
// read. Returns what is kept from the swap: "all", or, where RLIMIT_MEMLOCK is too small for that,
// "private_keys", or "nothing". kInternal where the rest fails.
Result<std::string_view> ProtectMemory();

// AllowOnlyServing leaves this process, for ever, the system calls that serving takes: no file, no
// new connection, no program, no process of another. Any other one kills it. kInternal where the
// kernel refuses.
Status AllowOnlyServing();

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CONFINEMENT_H_
