#include "provider/keeper/peers.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace detach {

std::optional<SocketPeer> KeeperPeers::Add(UniqueFd socket, const SocketPeer& who) {
  const std::lock_guard lock(mutex_);
  const std::optional<SocketPeer> gone = peers_.size() < kMax ? std::nullopt : RemoveOne();
  const std::uint64_t number = next_++;
  epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = number}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.get(), &event) == 0) {
    peers_.emplace(number, Peer{std::move(socket), who, ++served_});
  }
  return gone;
}

// Of those who are not being served.
std::optional<uid_t> KeeperPeers::UserWithMost() const {
  std::map<uid_t, std::size_t> users;
  for (const auto& [number, peer] : peers_) users[peer.who.uid] += peer.being_served ? 0 : 1;
  const auto most = std::max_element(
      users.begin(), users.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == users.end() ? std::nullopt : std::optional(most->first);
}

std::optional<SocketPeer> KeeperPeers::MakePlace() {
  const std::lock_guard lock(mutex_);
  return RemoveOne();
}

std::optional<SocketPeer> KeeperPeers::RemoveOne() {
  const std::optional<uid_t> user = UserWithMost();
  auto silent = peers_.end();
  for (auto peer = peers_.begin(); peer != peers_.end(); ++peer) {
    if (peer->second.being_served || peer->second.who.uid != user) continue;
    if (silent == peers_.end() || peer->second.last_served < silent->second.last_served) {
      silent = peer;
    }
  }
  if (silent == peers_.end()) return std::nullopt;
  const SocketPeer who = silent->second.who;
  Remove(silent);
  return who;
}

const KeeperPeers::Peer* KeeperPeers::Take(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto peer = peers_.find(number);
  if (peer == peers_.end()) return nullptr;
  peer->second.last_served = ++served_;
  peer->second.being_served = true;
  return &peer->second;
}

void KeeperPeers::Release(std::uint64_t number, bool stays) {
  const std::lock_guard lock(mutex_);
  const auto peer = peers_.find(number);
  if (!stays) return Remove(peer);
  peer->second.being_served = false;
  epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = number}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, peer->second.socket.get(), &event);
}

// Closing would not be enough: whoever sent the socket through a channel may have it, too, and then
// the kernel still watches it.
void KeeperPeers::Remove(Table::iterator peer) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, peer->second.socket.get(), nullptr);
  peers_.erase(peer);
}

bool KeeperPeers::empty() const {
  const std::lock_guard lock(mutex_);
  return peers_.empty();
}

}  // namespace detach
