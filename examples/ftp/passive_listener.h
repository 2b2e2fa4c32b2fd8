// Where a server waits for a data connection.
#ifndef DETACH_EXAMPLES_FTP_PASSIVE_LISTENER_H_
#define DETACH_EXAMPLES_FTP_PASSIVE_LISTENER_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// The two ends of a TCP connection.
struct Endpoints {
  sockaddr_storage local;
  sockaddr_storage peer;
};

// EndpointsOf asks the kernel for those of the connected `fd`. kTransport.
Result<Endpoints> EndpointsOf(int fd);

// PassiveListener listens beside a control connection, for its client alone.
class PassiveListener {
 public:
  // Open listens on the local address of `control`, at a port that is free. kTransport.
  static Result<PassiveListener> Open(const Endpoints& control);

  std::uint16_t port() const noexcept { return port_; }

  // PasvAddress returns "h1,h2,h3,h4,p1,p2" (RFC 959 §4.1.2); nullopt where it is not IPv4.
  std::optional<std::string> PasvAddress() const;

  // Accept returns the next connection that comes from the address of the control connection's
  // peer, whatever its port. Others are closed. kTransport: none came within `deadline`.
  Result<UniqueFd> Accept(const Deadline& deadline);

 private:
  PassiveListener(UniqueFd fd, const Endpoints& control, std::uint16_t port)
      : fd_(std::move(fd)), control_(control), port_(port) {}

  UniqueFd fd_;
  Endpoints control_;
  std::uint16_t port_;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_PASSIVE_LISTENER_H_
