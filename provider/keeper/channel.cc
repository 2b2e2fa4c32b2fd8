#include "provider/keeper/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

// Room for one more than belongs there: what does not fit the kernel drops, and a message with two
// is to be told from one with a single descriptor.
struct Message {
  std::array<char, 2> bytes = {};
  iovec part = {bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control = {};
  msghdr header = {};

  Message() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
};

// Owns whatever descriptors have come.
std::vector<UniqueFd> DescriptorsOf(Message& message) {
  std::vector<UniqueFd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message.header); part != nullptr;
       part = CMSG_NXTHDR(&message.header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, 2> numbers = {};
    const std::size_t size = part->cmsg_len - CMSG_LEN(0);
    std::memcpy(numbers.data(), CMSG_DATA(part), size);
    for (std::size_t i = 0; i < size / sizeof(int); ++i) descriptors.emplace_back(numbers[i]);
  }
  return descriptors;
}

Status Failure() {
  const bool alone = errno == EPIPE || errno == ECONNRESET;
  return Transport(alone ? "nobody has the other end any more" : SocketErrorText());
}

}  // namespace

Result<UniqueFd> ConnectThrough(int channel) {
  Result<PacketPair> connection = NewPacketPair();
  if (!connection.ok()) return connection.status();
  Message message;
  message.part.iov_len = 1;
  message.header.msg_controllen = CMSG_SPACE(sizeof(int));
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int theirs = connection->theirs.get();
  std::memcpy(CMSG_DATA(part), &theirs, sizeof theirs);
  if (Uninterrupted([&] { return ::sendmsg(channel, &message.header, MSG_NOSIGNAL); }) < 0) {
    return Failure();
  }
  return std::move(connection->ours);
}

Result<UniqueFd> AcceptFrom(int channel) {
  Message message;
  const ssize_t size = ::recvmsg(channel, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return UniqueFd();
  if (size < 0) return Failure();
  std::vector<UniqueFd> descriptors = DescriptorsOf(message);
  if (size == 0 && descriptors.empty()) return Transport("nobody has the other end any more");
  if (size != 1 || descriptors.size() != 1 || (message.header.msg_flags & MSG_CTRUNC) != 0) {
    return Violation("keeper's channel: a message that is not one byte and one descriptor");
  }
  if (!IsPacketSocket(descriptors[0].get())) {
    return Violation("keeper's channel: a descriptor that is no socket of SOCK_SEQPACKET");
  }
  return std::move(descriptors[0]);
}

}  // namespace detach
