// The keeper's sockets: at a path that only those who may ask can reach, or in pairs.
#ifndef DETACH_PROVIDER_KEEPER_UNIX_SOCKET_H_
#define DETACH_PROVIDER_KEEPER_UNIX_SOCKET_H_

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// How long a keeper may take: less than the proxies give a handshake, which is to be told why it
// fails.
inline constexpr std::chrono::seconds kPatienceWithKeepers{4};

struct SocketPeer {
  pid_t pid = 0;
  uid_t uid = 0;
};

// ListenAt returns a listening SOCK_SEQPACKET socket at `path`, which replaces one that nobody
// listens at any more. Its folder must be closed: only its owner may write there, and others than
// owner and group may not even enter (0700, 0710, 0750). kMisuse, beginning with the path, where it
// is not, where the path is taken, or where it cannot be bound.
Result<UniqueFd> ListenAt(const std::string& path);

// ConnectTo returns a blocking connection to the socket at `path`, whose reads and writes give up
// after four seconds. kTransport, beginning with the path, where nobody listens.
Result<UniqueFd> ConnectTo(const std::string& path);

// SocketErrorText returns what errno says of a socket that gives up after four seconds.
std::string SocketErrorText();

// GiveUpAfterFourSeconds lets reads and writes of `socket` fail with EAGAIN then.
void GiveUpAfterFourSeconds(int socket);

// Uninterrupted returns what `call` does, a system call on such a socket: again where a signal has
// ended it, which begins the four seconds anew, but for no more than four seconds. -1, with EAGAIN,
// where signals are all there is.
template <typename Call>
auto Uninterrupted(Call call) {
  const auto begin = std::chrono::steady_clock::now();
  auto result = call();
  while (result < 0 && errno == EINTR) {
    if (std::chrono::steady_clock::now() - begin >= kPatienceWithKeepers) {
      errno = EAGAIN;
      break;
    }
    result = call();
  }
  return result;
}

// PacketPair is a connection between two descriptors of this process.
struct PacketPair {
  UniqueFd ours;    // gives up after four seconds, as those of ConnectTo do
  UniqueFd theirs;  // for another process
};

// NewPacketPair returns a pair of SOCK_SEQPACKET. kInternal where the kernel has none left.
Result<PacketPair> NewPacketPair();

// IsPacketSocket tells whether `socket` is one of AF_UNIX and SOCK_SEQPACKET.
bool IsPacketSocket(int socket);

// PeerOf returns who made the other end of `socket` (SO_PEERCRED). kTransport where the kernel does
// not say, which it does for AF_UNIX only.
Result<SocketPeer> PeerOf(int socket);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_UNIX_SOCKET_H_
