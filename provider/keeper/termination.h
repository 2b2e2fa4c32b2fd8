// The signals that end a keeper.
#ifndef DETACH_PROVIDER_KEEPER_TERMINATION_H_
#define DETACH_PROVIDER_KEEPER_TERMINATION_H_

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// IgnoreTermination makes SIGTERM, SIGINT and SIGHUP end nothing: a proxy's keeper signs while the
// proxy drains, and what ends the one must not reach the other.
void IgnoreTermination() noexcept;

// TakeTermination makes SIGTERM and SIGINT write to `end`, an eventfd, of which it keeps a
// duplicate. Five seconds after the first of them, SIGKILL ends the process, if nothing else has: a
// token that hangs holds up a thread for ever. SIGHUP ends nothing. Once in a process. Errors:
// kInternal.
Status TakeTermination(const UniqueFd& end);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_TERMINATION_H_
