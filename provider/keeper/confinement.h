// What the keeper's process gives up before it serves anybody.
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

// Pkcs11Use says what the PKCS#11 modules of a keeper need while it serves.
enum class Pkcs11Use {
  kNone,
  kDatabases,  // NSS: files
  kModules,    // whatever there is: files, and local sockets such as pcscd's
};

// LetNothingBeWritten takes from this process, for ever, what Landlock can: it makes, changes,
// deletes and executes no file any more. It must be the only thread. kInternal where that is not
// so, or the kernel fails; where it has no Landlock, nothing happens.
Status LetNothingBeWritten();

// AllowOnlyServing leaves this process, for ever, the system calls that serving takes: no program,
// no process of another, no memory made into code. Without tokens no file and no new connection
// either, and any other call kills it. With them files are read, and what is not allowed fails with
// ENOSYS: whoever wrote a module may have made for it. kInternal where the kernel refuses.
Status AllowOnlyServing(Pkcs11Use use);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CONFINEMENT_H_
