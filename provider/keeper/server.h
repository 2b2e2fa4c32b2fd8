// The keeper's threads, and what they wait for.
#ifndef DETACH_PROVIDER_KEEPER_SERVER_H_
#define DETACH_PROVIDER_KEEPER_SERVER_H_

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "provider/keeper/peers.h"
#include "provider/keeper/requests.h"
#include "provider/keeper/unix_socket.h"

namespace detach {

// KeeperServer answers whoever connects.
class KeeperServer {
 public:
  // `requests` is borrowed. Of those who come through a listening socket, `allowed_users` are
  // served.
  KeeperServer(Requests& requests, std::vector<uid_t> allowed_users);
  KeeperServer(const KeeperServer&) = delete;
  KeeperServer& operator=(const KeeperServer&) = delete;
  ~KeeperServer();

  // Listen takes a socket of ListenAt.
  void Listen(UniqueFd listener) { listener_ = std::move(listener); }

  // TakeConnectionsFrom takes the keeper's end of a channel (channel.h). Who has the other end may
  // be anybody. kMisuse unless it is a socket of SOCK_SEQPACKET.
  Status TakeConnectionsFrom(UniqueFd channel);

  // Start starts threads, which do nothing until Run: so what limits the process from then on (its
  // system calls) is there for them, too, and starting was before. Returns how many there are;
  // fewer than `threads` where the system gives no more.
  unsigned Start(unsigned threads);

  // Run serves, on the caller's thread and those of Start, until `end`, an eventfd, has
  // something to read, or nobody is left who could ask. Once.
  void Run(int end);

 private:
  enum class Go { kNotYet, kWork, kNever };  // what the threads of Start wait to be told

  void Wait();
  void Tell(Go go);
  void Watch(int fd, std::uint64_t number, std::uint32_t events, int operation);
  void Work();
  void Handle(std::uint64_t number);
  void Accept();
  void TakeConnection();
  void Welcome(UniqueFd socket, const SocketPeer& who);
  void EndIfNobodyIsLeft();
  bool Serve(const KeeperPeers::Peer& peer);
  bool Reply(const KeeperPeers::Peer& peer, const Frame& request);

  Requests& requests_;
  const std::vector<uid_t> allowed_users_;
  UniqueFd listener_;
  UniqueFd channel_;
  std::atomic<bool> channel_is_open_ = false;
  UniqueFd epoll_;
  UniqueFd end_;  // an eventfd: nobody is left
  KeeperPeers peers_;
  std::mutex mutex_;
  std::condition_variable told_;
  Go go_ = Go::kNotYet;      // guarded by mutex_
  std::size_t waiting_ = 0;  // threads that have started; guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_SERVER_H_
