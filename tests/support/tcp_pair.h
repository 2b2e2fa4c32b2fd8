// Two connected TCP sockets over loopback.
#ifndef DETACH_TESTS_SUPPORT_TCP_PAIR_H_
#define DETACH_TESTS_SUPPORT_TCP_PAIR_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "bio/socket/unique_fd.h"

namespace detach {

struct TcpPair {
  UniqueFd near;
  UniqueFd far;
};

// ConnectedPair throws std::system_error when the machine is out of sockets. Both ends are blocking
// and close-on-exec. `buffer` fixes all four kernel buffers near that size; 0 leaves them alone.
inline TcpPair ConnectedPair(int buffer = 0) {
  const auto check = [](int result) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), "ConnectedPair");
    return result;
  };
  const auto limit = [&](int fd) {
    if (buffer == 0) return;
    check(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)));
    check(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)));
  };
  const UniqueFd listener(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  limit(listener.get());
  check(::bind(listener.get(), generic, size));
  check(::listen(listener.get(), 1));
  check(::getsockname(listener.get(), generic, &size));
  TcpPair pair;
  pair.near.reset(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  limit(pair.near.get());
  check(::connect(pair.near.get(), generic, size));
  pair.far.reset(check(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  return pair;
}

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_TCP_PAIR_H_
