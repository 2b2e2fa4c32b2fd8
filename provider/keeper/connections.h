// Connections to a keeper, and those that wait for the next question.
#ifndef DETACH_PROVIDER_KEEPER_CONNECTIONS_H_
#define DETACH_PROVIDER_KEEPER_CONNECTIONS_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "provider/keeper/known_socket.h"

namespace detach {

// KeeperConnection belongs to the process and the user that made it: the keeper knows its peers by
// that, and two processes that ask over one connection would get each other's answers.
class KeeperConnection {
 public:
  explicit KeeperConnection(UniqueFd socket);

  int get() const noexcept { return socket_.get(); }

  // IsUsable tells whether this process, as it is now, may ask over it.
  bool IsUsable() const noexcept;

 private:
  KnownSocket socket_;
  pid_t process_;
  uid_t user_;
};

using KeeperConnectionPtr = std::unique_ptr<KeeperConnection>;

// KeeperConnections makes connections to one keeper, and keeps some that nobody needs for the
// moment. Its members may be called from any thread, and on both sides of a fork: there is no lock
// that a thread might hold which is not there in the child.
class KeeperConnections {
 public:
  // How many are kept; more are closed.
  static constexpr std::size_t kMaxKept = 16;

  // To the keeper that listens at the socket `path`.
  explicit KeeperConnections(std::string path);
  // To the keeper behind `channel`, which messages call `name`.
  KeeperConnections(std::string name, UniqueFd channel);
  KeeperConnections(const KeeperConnections&) = delete;
  KeeperConnections& operator=(const KeeperConnections&) = delete;
  ~KeeperConnections();

  const std::string& name() const noexcept { return name_; }

  // by_channel tells the second kind from the first.
  bool by_channel() const noexcept { return by_channel_; }

  // Connect returns a new connection. kTransport, beginning with name(), where there is no keeper;
  // kMisuse where the program has closed the channel's descriptor.
  Result<KeeperConnectionPtr> Connect() const;

  // TakeKept returns a connection that was kept; null where there is none. Its keeper may have
  // gone.
  KeeperConnectionPtr TakeKept() noexcept;

  // Keep takes a connection on which every question has its answer.
  void Keep(KeeperConnectionPtr connection) noexcept;

 private:
  const std::string name_;
  const bool by_channel_;
  const KnownSocket channel_;
  std::array<std::atomic<KeeperConnection*>, kMaxKept> kept_ = {};
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CONNECTIONS_H_
