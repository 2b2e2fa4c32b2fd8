#include "bio/socket/tcp.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace detach {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> Resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error == EAI_SYSTEM) return SystemFailure("looking up " + host, errno);
  if (error != 0) return Transport("looking up " + host + ": " + gai_strerror(error));
  return AddressList(found, &freeaddrinfo);
}

// A handshake's flights and the close_notify are whole when they are sent: nothing to wait for.
void DisableNagle(int fd) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Status AwaitConnection(int fd, const Deadline& deadline) {
  const Result<bool> ready = WaitReady(fd, POLLOUT, deadline);
  if (!ready.ok()) return ready.status();
  if (!*ready) return SystemFailure("connect", ETIMEDOUT);
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? Status() : SystemFailure("connect", error);
}

Result<UniqueFd> ConnectTo(const addrinfo& address, const Deadline& deadline) {
  UniqueFd fd(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                     address.ai_protocol));
  if (!fd.valid()) return SystemFailure("socket", errno);
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return SystemFailure("connect", errno);
    if (Status connected = AwaitConnection(fd.get(), deadline); !connected.ok()) return connected;
  }
  if (fcntl(fd.get(), F_SETFL, 0) != 0) return SystemFailure("fcntl", errno);
  DisableNagle(fd.get());
  return fd;
}

}  // namespace

Status SystemFailure(std::string_view doing, int error) {
  return Transport(std::string(doing) + ": " + std::generic_category().message(error));
}

Result<bool> WaitReady(int fd, short events, const Deadline& deadline) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int ready = poll(&waiting, 1, deadline.PollTimeout());
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return SystemFailure("poll", errno);
  }
}

Result<UniqueFd> ConnectTcp(const std::string& host, std::uint16_t port, const Deadline& deadline) {
  Result<AddressList> addresses = Resolve(host, port);
  if (!addresses.ok()) return addresses.status();
  Status failure;
  for (const addrinfo* address = addresses->get(); address != nullptr; address = address->ai_next) {
    // An address that swallows packets leaves half of the time to those behind it.
    const int left = deadline.PollTimeout();
    const Deadline share(std::chrono::milliseconds(address->ai_next == nullptr ? left : left / 2));
    Result<UniqueFd> connected = ConnectTo(*address, share);
    if (connected.ok()) return connected;
    failure = connected.status();
  }
  return Transport(host + " port " + std::to_string(port) + ": " + failure.message());
}

Result<UniqueFd> AcceptTcp(int listener, const Deadline& deadline) {
  for (;;) {
    const Result<bool> ready = WaitReady(listener, POLLIN, deadline);
    if (!ready.ok()) return ready.status();
    if (!*ready) {
      return Transport("nobody connected within " + std::to_string(deadline.length().count()) +
                       " ms");
    }
    UniqueFd fd(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.valid()) {
      DisableNagle(fd.get());
      return fd;
    }
    // The connection may be gone again by the time that it is accepted (accept(2)).
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      return SystemFailure("accept", errno);
    }
  }
}

}  // namespace detach
