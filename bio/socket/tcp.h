// Blocking TCP with deadlines: what DetachableSocket does below TLS.
#ifndef DETACH_BIO_SOCKET_TCP_H_
#define DETACH_BIO_SOCKET_TCP_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// ConnectTcp connects to the first address of `host` (a name or an address literal) that answers,
// within `deadline`; looking the name up has the resolver's own limits beside it. The descriptor is
// blocking, close-on-exec and TCP_NODELAY. kTransport.
Result<UniqueFd> ConnectTcp(const std::string& host, std::uint16_t port, const Deadline& deadline);

// AcceptTcp takes the next connection of the listening descriptor `listener` (borrowed; may be
// non-blocking), as ConnectTcp leaves one. kTransport.
Result<UniqueFd> AcceptTcp(int listener, const Deadline& deadline);

// WaitReady waits until poll(2) reports one of `events`, an error or a hang-up for `fd`. False: the
// deadline passed.
Result<bool> WaitReady(int fd, short events, const Deadline& deadline);

// SystemFailure is kTransport: "`doing`: " and the text of `error` (an errno).
Status SystemFailure(std::string_view doing, int error);

}  // namespace detach

#endif  // DETACH_BIO_SOCKET_TCP_H_
