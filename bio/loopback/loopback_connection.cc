#include "bio/loopback/loopback_connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "bio/socket/tcp.h"

namespace detach {
namespace {

// Strangers must not keep our own connection out of the queue.
constexpr int kBacklog = 128;

// The system's call that tells one of a socket's two addresses.
using AddressCall = int (*)(int, sockaddr*, socklen_t*);

Result<sockaddr_in> AddressOf(int fd, AddressCall call) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (call(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return SystemFailure("the address of a socket", errno);
  }
  if (address.sin_family != AF_INET) return Misuse("loopback: not a TCP socket over IPv4");
  return address;
}

bool Same(const sockaddr_in& one, const sockaddr_in& other) {
  return one.sin_port == other.sin_port && one.sin_addr.s_addr == other.sin_addr.s_addr;
}

Result<UniqueFd> NewSocket() {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return SystemFailure("socket", errno);
  const int on = 1;
  (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Status StartConnecting(int fd, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return {};
  return errno == EINPROGRESS || errno == EINTR ? Status() : SystemFailure("connect", errno);
}

// By the time that it is looked at, a connection may be gone: then it is nobody's.
bool IsFrom(int accepted, const sockaddr_in& own) {
  const Result<sockaddr_in> peer = AddressOf(accepted, &getpeername);
  return peer.ok() && Same(*peer, own);
}

}  // namespace

Result<LoopbackListener> ListenOnLoopback() {
  Result<UniqueFd> fd = NewSocket();
  if (!fd.ok()) return fd.status();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd->get(), kBacklog) != 0) {
    return SystemFailure("listening on 127.0.0.1", errno);
  }
  const Result<sockaddr_in> bound = AddressOf(fd->get(), &getsockname);
  if (!bound.ok()) return bound.status();
  return LoopbackListener{*std::move(fd), ntohs(bound->sin_port)};
}

Result<Accepted> AcceptOwn(int listener, int own, const Deadline& deadline) {
  const Result<sockaddr_in> expected = AddressOf(own, &getsockname);
  if (!expected.ok()) return expected.status();
  Accepted accepted;
  while (true) {
    accepted.fd.reset(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted.fd.valid()) {
      if (IsFrom(accepted.fd.get(), *expected)) return accepted;
      ++accepted.strangers;
      if (deadline.PollTimeout() > 0) continue;
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      return SystemFailure("accept", errno);
    }
    const Result<bool> ready = WaitReady(listener, POLLIN, deadline);
    if (!ready.ok()) return ready.status();
    if (!*ready || deadline.PollTimeout() == 0) {
      return Transport("loopback: our own connection did not come within " +
                       std::to_string(deadline.length().count()) + " ms; " +
                       std::to_string(accepted.strangers) + " of others did");
    }
  }
}

Result<LoopbackConnection> ConnectLoopback(const Deadline& deadline) {
  const Result<LoopbackListener> listener = ListenOnLoopback();
  if (!listener.ok()) return listener.status();
  Result<UniqueFd> near = NewSocket();
  if (!near.ok()) return near.status();
  if (Status status = StartConnecting(near->get(), listener->port); !status.ok()) return status;
  Result<Accepted> far = AcceptOwn(listener->fd.get(), near->get(), deadline);
  if (!far.ok()) return far.status();
  const Result<bool> connected = WaitReady(near->get(), POLLOUT, deadline);
  if (!connected.ok()) return connected.status();
  if (!*connected) return SystemFailure("connect", ETIMEDOUT);
  if (fcntl(near->get(), F_SETFL, 0) != 0) return SystemFailure("fcntl", errno);
  const int on = 1;
  (void)setsockopt(far->fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return LoopbackConnection{*std::move(near), std::move(far->fd), far->strangers};
}

}  // namespace detach
