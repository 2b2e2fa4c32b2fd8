// A way to a keeper that has no address: a connection through which its peers send it connections.
//
// A channel is a socketpair of SOCK_SEQPACKET between those who ask and the keeper, whichever
// process has that end at the moment. One message is one byte and one descriptor (SCM_RIGHTS): the
// keeper's end of a new connection. What no keeper has read yet waits in the channel for the next
// one.
#ifndef DETACH_PROVIDER_KEEPER_CHANNEL_H_
#define DETACH_PROVIDER_KEEPER_CHANNEL_H_

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// ConnectThrough sends the keeper of `channel` one end of a new connection, and returns the other:
// a blocking one, whose reads and writes give up after four seconds. So does this call, if
// SO_SNDTIMEO of `channel` says so, where very many connections wait for the keeper already.
// kTransport where it cannot be sent: nobody has the keeper's end any more, among others.
Result<UniqueFd> ConnectThrough(int channel);

// AcceptFrom returns the connection that the next message in `channel` brings; one that is not
// valid() where no message waits. Does not block. kViolation for any other message, whose
// descriptors are closed; kTransport where nobody has the other end any more.
Result<UniqueFd> AcceptFrom(int channel);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CHANNEL_H_
