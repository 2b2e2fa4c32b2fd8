#include "provider/keeper/connections.h"

#include <unistd.h>

#include <utility>

#include "provider/keeper/channel.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

Status Prefixed(const std::string& name, const Status& status) {
  return {status.fault(), name + ": " + status.message()};
}

}  // namespace

KeeperConnection::KeeperConnection(UniqueFd socket)
    : socket_(std::move(socket)), process_(::getpid()), user_(::geteuid()) {}

bool KeeperConnection::IsUsable() const noexcept {
  return process_ == ::getpid() && user_ == ::geteuid() && socket_.IsThere();
}

KeeperConnections::KeeperConnections(std::string path)
    : name_(std::move(path)), by_channel_(false) {}

KeeperConnections::KeeperConnections(std::string name, UniqueFd channel)
    : name_(std::move(name)), by_channel_(true), channel_(std::move(channel)) {
  GiveUpAfterFourSeconds(channel_.get());
}

KeeperConnections::~KeeperConnections() {
  for (auto& place : kept_) delete place.load();
}

Result<KeeperConnectionPtr> KeeperConnections::Connect() const {
  if (by_channel_ && !channel_.IsThere()) {
    return Misuse(name_ + ": this program has closed the descriptor that leads there");
  }
  Result<UniqueFd> socket = by_channel_ ? ConnectThrough(channel_.get()) : ConnectTo(name_);
  if (socket.ok()) return std::make_unique<KeeperConnection>(*std::move(socket));
  return by_channel_ ? Prefixed(name_, socket.status()) : socket.status();
}

KeeperConnectionPtr KeeperConnections::TakeKept() noexcept {
  for (auto& place : kept_) {
    KeeperConnectionPtr connection(place.exchange(nullptr));
    if (connection && connection->IsUsable()) return connection;
  }
  return nullptr;
}

void KeeperConnections::Keep(KeeperConnectionPtr connection) noexcept {
  for (auto& place : kept_) {
    KeeperConnection* nothing = nullptr;
    if (place.compare_exchange_strong(nothing, connection.get())) {
      std::ignore = connection.release();
      return;
    }
  }
}

}  // namespace detach
