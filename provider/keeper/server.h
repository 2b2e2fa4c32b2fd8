// The keeper's event loop.
#ifndef DETACH_PROVIDER_KEEPER_SERVER_H_
#define DETACH_PROVIDER_KEEPER_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "provider/keeper/requests.h"
#include "provider/keeper/unix_socket.h"

namespace detach {

// KeeperServer answers, on the one thread that calls Run, whoever connects.
class KeeperServer {
 public:
  // When so many peers are connected the one that has been silent for the longest goes.
  static constexpr std::size_t kMaxPeers = 256;

  // `requests` is borrowed. Of those who come through a listening socket, `allowed_users` are
  // served.
  KeeperServer(Requests& requests, std::vector<uid_t> allowed_users)
      : requests_(requests), allowed_users_(std::move(allowed_users)) {}

  // Listen takes a socket of ListenAt.
  void Listen(UniqueFd listener) { listener_ = std::move(listener); }

  // TakeConnectionsFrom takes the keeper's end of a channel (channel.h). Who has the other end may
  // be anybody. kMisuse unless it is a socket of SOCK_SEQPACKET.
  Status TakeConnectionsFrom(UniqueFd channel);

  // Run serves until `signals`, a signalfd, has something to read, or nobody is left who could ask.
  void Run(int signals);

 private:
  struct Peer {
    UniqueFd socket;
    SocketPeer who;
    std::uint64_t last_asked;  // in rounds of the loop
  };

  void Accept();
  void TakeConnection();
  void Welcome(UniqueFd socket, const SocketPeer& who);
  void MakePlace();
  bool Serve(Peer& peer);
  bool Reply(const Peer& peer, const Frame& request);

  Requests& requests_;
  std::vector<uid_t> allowed_users_;
  UniqueFd listener_;
  UniqueFd channel_;
  std::vector<Peer> peers_;
  std::uint64_t round_ = 0;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_SERVER_H_
