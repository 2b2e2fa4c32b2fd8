#include "provider/keeper/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "provider/keeper/channel.h"
#include "provider/keeper/log.h"

namespace detach {
namespace {

pollfd Readable(int fd) { return {.fd = fd, .events = POLLIN, .revents = 0}; }

void LogDropped(const SocketPeer& who, std::string_view reason) {
  LogEvent("warning", "peer_dropped", {{"pid", who.pid}, {"uid", who.uid}, {"reason", reason}});
}

}  // namespace

Status KeeperServer::TakeConnectionsFrom(UniqueFd channel) {
  if (!IsPacketSocket(channel.get())) {
    return Misuse("the inherited descriptor is no end of a socketpair of SOCK_SEQPACKET");
  }
  channel_ = std::move(channel);
  return {};
}

void KeeperServer::Run(int signals) {
  std::vector<pollfd> wanted;
  while (listener_.valid() || channel_.valid() || !peers_.empty()) {
    wanted = {Readable(signals), Readable(listener_.get()), Readable(channel_.get())};
    for (const Peer& peer : peers_) wanted.push_back(Readable(peer.socket.get()));
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;  // EINTR
    if (wanted[0].revents != 0) return;
    ++round_;
    std::size_t i = 3;
    std::erase_if(peers_, [&](Peer& peer) { return wanted[i++].revents != 0 && !Serve(peer); });
    if (wanted[1].revents != 0) Accept();
    if (wanted[2].revents != 0) TakeConnection();
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
  Welcome(std::move(socket), *who);
}

void KeeperServer::TakeConnection() {
  Result<UniqueFd> socket = AcceptFrom(channel_.get());
  if (!socket.ok() && socket.status().fault() == Fault::kTransport) return channel_.reset();
  if (!socket.ok()) {
    return LogEvent("warning", "connection_refused", {{"reason", socket.status().message()}});
  }
  const Result<SocketPeer> who = PeerOf(socket->get());
  if (who.ok()) Welcome(*std::move(socket), *who);
}

void KeeperServer::Welcome(UniqueFd socket, const SocketPeer& who) {
  if (peers_.size() >= kMaxPeers) MakePlace();
  Peer peer{std::move(socket), who, round_};
  // Most have asked by now: no need to wait for what is there.
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
