#include "examples/ftp/passive_listener.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bio/socket/tcp.h"

namespace detach {
namespace {

sockaddr* Generic(sockaddr_storage& address) { return reinterpret_cast<sockaddr*>(&address); }

in_port_t& PortOf(sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                       : reinterpret_cast<sockaddr_in&>(address).sin_port;
}

bool SameHost(const sockaddr_storage& one, const sockaddr_storage& other) {
  if (one.ss_family != other.ss_family) return false;
  if (one.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(one).sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in&>(other).sin_addr.s_addr;
  }
  const auto& one6 = reinterpret_cast<const sockaddr_in6&>(one);
  const auto& other6 = reinterpret_cast<const sockaddr_in6&>(other);
  return one6.sin6_scope_id == other6.sin6_scope_id &&
         std::memcmp(&one6.sin6_addr, &other6.sin6_addr, sizeof one6.sin6_addr) == 0;
}

}  // namespace

Result<Endpoints> EndpointsOf(int fd) {
  Endpoints ends{};
  socklen_t local_size = sizeof ends.local;
  socklen_t peer_size = sizeof ends.peer;
  if (getsockname(fd, Generic(ends.local), &local_size) != 0 ||
      getpeername(fd, Generic(ends.peer), &peer_size) != 0) {
    return SystemFailure("asking for the ends of a connection", errno);
  }
  return ends;
}

Result<PassiveListener> PassiveListener::Open(const Endpoints& control) {
  sockaddr_storage address = control.local;
  PortOf(address) = 0;
  UniqueFd fd(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof address;
  if (!fd.valid() || bind(fd.get(), Generic(address), size) != 0 || listen(fd.get(), 4) != 0 ||
      getsockname(fd.get(), Generic(address), &size) != 0) {
    return SystemFailure("listening for a data connection", errno);
  }
  return PassiveListener(std::move(fd), control, ntohs(PortOf(address)));
}

std::optional<std::string> PassiveListener::PasvAddress() const {
  if (control_.local.ss_family != AF_INET) return std::nullopt;
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(control_.local).sin_addr, text.data(),
            text.size());
  std::string address(text.data());
  std::replace(address.begin(), address.end(), '.', ',');
  return address + ',' + std::to_string(port_ >> 8) + ',' + std::to_string(port_ & 0xff);
}

Result<UniqueFd> PassiveListener::Accept(const Deadline& deadline) {
  for (;;) {
    Result<UniqueFd> accepted = AcceptTcp(fd_.get(), deadline);
    if (!accepted.ok()) return accepted;
    const Result<Endpoints> ends = EndpointsOf(accepted->get());
    if (ends.ok() && SameHost(ends->peer, control_.peer)) return accepted;
  }
}

}  // namespace detach
