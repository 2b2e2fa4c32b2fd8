// A listening TCP socket.
#ifndef DETACH_EXAMPLES_LISTENER_H_
#define DETACH_EXAMPLES_LISTENER_H_

#include <string>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

struct Listener {
  UniqueFd fd;
  std::string address;  // "127.0.0.1:4433" or "[::1]:4433", with the port that was found for 0
};

// Listen binds to `address`: "host:port", "[IPv6]:port"; port 0 is any that is free. kMisuse where
// `address` is not of this form, kTransport where it cannot be had.
Result<Listener> Listen(const std::string& address);

}  // namespace detach

#endif  // DETACH_EXAMPLES_LISTENER_H_
