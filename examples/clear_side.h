// The clear side of a TLS server that is another program: which connection is whose.
#ifndef DETACH_EXAMPLES_CLEAR_SIDE_H_
#define DETACH_EXAMPLES_CLEAR_SIDE_H_

#include <string>

#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// ProxyLineFor returns what a program that was connected to by `stack` says of that connection, in
// the PROXY protocol's first version: "PROXY TCP4 from to port port\r\n".
Result<std::string> ProxyLineFor(const UniqueFd& stack);

// AcceptClearSide takes the connection that begins with `proxy_line`. Every other is closed: it is
// another connection's, or a process tries to pass for the TLS server. One that reads the kernel's
// table of connections can: keep other users of the machine away from `listener`.
Result<UniqueFd> AcceptClearSide(int listener, const std::string& proxy_line,
                                 const Deadline& deadline);

}  // namespace detach

#endif  // DETACH_EXAMPLES_CLEAR_SIDE_H_
