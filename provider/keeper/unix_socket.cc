#include "provider/keeper/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

namespace detach {
namespace {

constexpr int kBacklog = 128;

std::string SystemError(const std::string& path) { return path + ": " + std::strerror(errno); }

std::optional<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (!path.starts_with("/") || path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

UniqueFd NewSocket(int flags) {
  return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
}

bool Connect(const UniqueFd& socket, const sockaddr_un& address) {
  return Uninterrupted([&] {
           return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                            sizeof address);
         }) == 0;
}

Status CheckFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0) {
    return Misuse(
        SystemError(folder) +
        (errno == ENOENT ? "; make this folder, for the keeper's user: mkdir -m 0700" : ""));
  }
  if ((status.st_mode & (S_IWGRP | S_IRWXO)) != 0) {
    return Misuse(folder +
                  ": the keeper's socket needs a folder that only its owner may write and "
                  "strangers cannot enter; run: chmod 0700");
  }
  return {};
}

// A socket of a keeper that was killed is in the way. One that answers is somebody's.
Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return Misuse(path + ": is in the way, and is no socket");
  const UniqueFd probe = NewSocket(SOCK_NONBLOCK);
  if (Connect(probe, address) || errno != ECONNREFUSED) {
    return Misuse(path + ": another process listens there");
  }
  if (::unlink(path.c_str()) != 0) return Misuse(SystemError(path));
  return {};
}

// Whoever reads a message closes the descriptors in it, which takes as long as the sender of some
// likes: a TCP socket's SO_LINGER. Kernels before Linux 6.16 cannot keep them out.
void TakeNoDescriptors(const UniqueFd& listener) {
  constexpr int kPassRights = 83;  // SO_PASSRIGHTS, of Linux 6.16
  constexpr int kOff = 0;
  ::setsockopt(listener.get(), SOL_SOCKET, kPassRights, &kOff, sizeof kOff);
}

int OptionOf(int socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

Status BadPath(const std::string& path) {
  return Misuse("\"" + path + "\": a socket needs an absolute path of at most 107 bytes");
}

}  // namespace

Result<UniqueFd> ListenAt(const std::string& path) {
  const std::optional<sockaddr_un> address = AddressOf(path);
  if (!address) return BadPath(path);
  if (Status status = CheckFolder(path); !status.ok()) return status;
  if (Status status = RemoveStale(path, *address); !status.ok()) return status;
  UniqueFd socket = NewSocket(SOCK_NONBLOCK);
  TakeNoDescriptors(socket);
  // Who may connect is the folder's and PeerOf's to say, so that the other user can reach it.
  if (!socket.valid() ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::chmod(path.c_str(), 0666) != 0 || ::listen(socket.get(), kBacklog) != 0) {
    return Misuse(SystemError(path));
  }
  return socket;
}

Result<UniqueFd> ConnectTo(const std::string& path) {
  const std::optional<sockaddr_un> address = AddressOf(path);
  if (!address) return BadPath(path);
  UniqueFd socket = NewSocket(0);
  if (!socket.valid()) return Transport(SystemError(path));
  GiveUpAfterFourSeconds(socket.get());
  if (!Connect(socket, *address)) return Transport(path + ": " + SocketErrorText());
  return socket;
}

std::string SocketErrorText() {
  return errno == EAGAIN ? "has not answered for four seconds" : std::strerror(errno);
}

void GiveUpAfterFourSeconds(int socket) {
  const timeval limit = {.tv_sec = kPatienceWithKeepers.count(), .tv_usec = 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(socket, SOL_SOCKET, option, &limit, sizeof limit);
  }
}

Result<PacketPair> NewPacketPair() {
  std::array<int, 2> ends = {};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Internal(SystemError("socketpair"));
  }
  PacketPair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  GiveUpAfterFourSeconds(pair.ours.get());
  return pair;
}

bool IsPacketSocket(int socket) {
  return OptionOf(socket, SO_DOMAIN) == AF_UNIX && OptionOf(socket, SO_TYPE) == SOCK_SEQPACKET;
}

Result<SocketPeer> PeerOf(int socket) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return Transport(std::string("SO_PEERCRED: ") + std::strerror(errno));
  }
  return SocketPeer{peer.pid, peer.uid};
}

}  // namespace detach
