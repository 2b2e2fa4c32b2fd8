#include "examples/clear_side.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>

#include "bio/socket/tcp.h"

namespace detach {
namespace {

// A stranger who says nothing holds the others up for so long.
constexpr std::chrono::seconds kLine{1};
constexpr std::size_t kMaxLine = 107;  // of the protocol

struct Endpoint {
  std::string host;
  std::string port;
};

using AddressCall = int (*)(int, sockaddr*, socklen_t*);

Result<Endpoint> EndpointOf(int fd, AddressCall call) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (call(fd, generic, &size) != 0 || address.ss_family != AF_INET ||
      getnameinfo(generic, size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return Misuse("the TLS server is reached over IPv4, and over nothing else");
  }
  return Endpoint{host.data(), port.data()};
}

bool BeginsWith(const std::string& proxy_line, int fd) {
  const Deadline deadline(kLine);
  std::string line;
  while (line.size() < kMaxLine && !line.ends_with('\n')) {
    const Result<bool> ready = WaitReady(fd, POLLIN, deadline);
    char byte = 0;
    if (!ready.ok() || !*ready || recv(fd, &byte, 1, MSG_DONTWAIT) != 1) return false;
    line += byte;
  }
  return line == proxy_line;
}

}  // namespace

Result<std::string> ProxyLineFor(const UniqueFd& stack) {
  const Result<Endpoint> from = EndpointOf(stack.get(), &getsockname);
  if (!from.ok()) return from.status();
  const Result<Endpoint> to = EndpointOf(stack.get(), &getpeername);
  if (!to.ok()) return to.status();
  return "PROXY TCP4 " + from->host + " " + to->host + " " + from->port + " " + to->port + "\r\n";
}

Result<UniqueFd> AcceptClearSide(int listener, const std::string& proxy_line,
                                 const Deadline& deadline) {
  while (true) {
    Result<UniqueFd> accepted = AcceptTcp(listener, deadline);
    if (!accepted.ok() || BeginsWith(proxy_line, accepted->get())) return accepted;
    std::cerr << "closed a connection to the clear side that is not of the TLS server" << std::endl;
  }
}

}  // namespace detach
