// Who is connected to a keeper.
#ifndef DETACH_PROVIDER_KEEPER_PEERS_H_
#define DETACH_PROVIDER_KEEPER_PEERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "bio/socket/unique_fd.h"
#include "provider/keeper/unix_socket.h"

namespace detach {

// KeeperPeers are connections that threads serve which wait at one epoll descriptor: each
// connection one thread at a time. Its members may be called from any of them.
class KeeperPeers {
 public:
  static constexpr std::size_t kMax = 256;
  static constexpr std::uint64_t kFirst = 1024;  // lower numbers are for events of no peer

  struct Peer {
    UniqueFd socket;
    SocketPeer who;
    std::uint64_t last_served = 0;  // as counted by the table
    bool being_served = false;
  };

  // `epoll` is borrowed. Events of peers carry numbers from kFirst on, and come once: Release asks
  // for the next.
  explicit KeeperPeers(int epoll) : epoll_(epoll) {}

  // Add takes a connection. Where kMax are there, one goes: of those of the user who has most, the
  // one that has been silent for the longest. Returns whose it was.
  std::optional<SocketPeer> Add(UniqueFd socket, const SocketPeer& who);

  // MakePlace ends the connection that would go then, where there is one, and returns whose it was.
  std::optional<SocketPeer> MakePlace();

  // Take gives the peer `number`, whose event has come, to the caller until Release. Null: it has
  // gone meanwhile.
  const Peer* Take(std::uint64_t number);

  // Release ends the connection of a peer that the caller has, or waits for its next request.
  void Release(std::uint64_t number, bool stays);

  // Clear ends all connections. No other thread may use the table any more.
  void Clear() { peers_.clear(); }

  bool empty() const;

 private:
  using Table = std::map<std::uint64_t, Peer>;

  std::optional<uid_t> UserWithMost() const;
  std::optional<SocketPeer> RemoveOne();
  void Remove(Table::iterator peer);

  const int epoll_;
  mutable std::mutex mutex_;
  Table peers_;                  // guarded by mutex_
  std::uint64_t next_ = kFirst;  // guarded by mutex_
  std::uint64_t served_ = 0;     // guarded by mutex_
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PEERS_H_
