#include "provider/keeper/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "provider/keeper/log.h"

namespace detach {
namespace {

pollfd Readable(int fd) { return {.fd = fd, .events = POLLIN, .revents = 0}; }

void LogDropped(const SocketPeer& who, std::string_view reason) {
  LogEvent("warning", "peer_dropped", {{"pid", who.pid}, {"uid", who.uid}, {"reason", reason}});
}

}  // namespace

Status KeeperServer::Adopt(UniqueFd connection) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      type != SOCK_SEQPACKET) {
    return Misuse("the inherited descriptor is no end of a socketpair of SOCK_SEQPACKET");
  }
  const Result<SocketPeer> who = PeerOf(connection.get());
  if (!who.ok()) return who.status();
  peers_.push_back({std::move(connection), *who, round_});
  return {};
}

void KeeperServer::Run(int signals) {
  std::vector<pollfd> wanted;
  while (listener_.valid() || !peers_.empty()) {
    wanted = {Readable(signals), Readable(listener_.get())};
    for (const Peer& peer : peers_) wanted.push_back(Readable(peer.socket.get()));
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;  // EINTR
    if (wanted[0].revents != 0) return;
    ++round_;
    std::size_t i = 2;
    std::erase_if(peers_, [&](Peer& peer) { return wanted[i++].revents != 0 && !Serve(peer); });
    if (wanted[1].revents != 0) Accept();
  }
}

void KeeperServer::Accept() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return;
  const Result<SocketPeer> who = PeerOf(socket.get());
  if (!who.ok()) return;
  if (std::find(allowed_users_.begin(), allowed_users_.end(), who->uid) == allowed_users_.end()) {
    LogDropped(*who, "this user is not in allow_users");
    return;
  }
  if (peers_.size() >= kMaxPeers) MakePlace();
  Peer peer{std::move(socket), *who, round_};
  // Most have asked by now, and ask once: no need to wait for what is there.
  if (Serve(peer)) peers_.push_back(std::move(peer));
}

void KeeperServer::MakePlace() {
  const auto silent =
      std::min_element(peers_.begin(), peers_.end(),
                       [](const Peer& a, const Peer& b) { return a.last_asked < b.last_asked; });
  LogDropped(silent->who, "its place was needed");
  peers_.erase(silent);
}

// Serve answers one request. False: the connection has ended.
bool KeeperServer::Serve(Peer& peer) {
  peer.last_asked = round_;
  std::array<std::uint8_t, kFrameSize + 1> bytes;  // one more shows that a frame is too long
  const ssize_t size = ::recv(peer.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size <= 0) return size < 0 && (errno == EAGAIN || errno == EINTR);
  const Result<Frame> request = DecodeFrame(std::span(bytes).first(static_cast<std::size_t>(size)));
  if (request.ok()) return Reply(peer, *request);
  LogDropped(peer.who, request.status().message());
  return false;
}

bool KeeperServer::Reply(const Peer& peer, const Frame& request) {
  const Result<Frame> reply = requests_.Answer(request, std::chrono::steady_clock::now());
  if (!reply.ok()) {
    LogDropped(peer.who, reply.status().message());
    return false;
  }
  if (reply->type == FrameType::kRefused) {
    LogEvent("warning", "refused",
             {{"request", Requests::Name(request.type)},
              {"identity", request.name},
              {"pid", peer.who.pid},
              {"uid", peer.who.uid},
              {"reason", RefusalText(static_cast<Refusal>(reply->argument))}});
  }
  const FrameBytes bytes = EncodeFrame(*reply);
  // Who does not read replies gets none: there is no queue.
  return ::send(peer.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

}  // namespace detach
