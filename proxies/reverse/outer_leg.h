// The leg towards the client, as the configuration has it.
#ifndef DETACH_PROXIES_REVERSE_OUTER_LEG_H_
#define DETACH_PROXIES_REVERSE_OUTER_LEG_H_

#include <memory>

#include "proxies/net/async_io.h"
#include "proxies/reverse/reverse_policy.h"
#include "proxies/tunnel/thread_room.h"
#include "proxies/tunnel/tls_leg.h"

namespace detach {

// NewOuterLeg makes the leg of an accepted `socket`. `room` outlives it. `place` is held as long as
// there is a thread for the connection.
std::unique_ptr<TlsLeg> NewOuterLeg(Socket socket,
                                    const std::shared_ptr<const ReversePolicy>& policy,
                                    ThreadRoom& room, std::shared_ptr<const void> place);

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_OUTER_LEG_H_
