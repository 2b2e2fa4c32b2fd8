#include "provider/keeper/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "provider/keeper/brief_closing.h"
#include "provider/keeper/channel.h"
#include "provider/keeper/log.h"

namespace detach {
namespace {

// What an event is about, if not a peer.
enum Event : std::uint64_t { kSignal = 1, kEnd, kListener, kChannel };

constexpr std::uint32_t kOnce = EPOLLIN | EPOLLONESHOT;

void LogDropped(const SocketPeer& who, std::string_view reason) {
  LogEvent("warning", "peer_dropped", {{"pid", who.pid}, {"uid", who.uid}, {"reason", reason}});
}

void LogReplaced(const std::optional<SocketPeer>& gone) {
  if (gone) LogDropped(*gone, "its place was needed");
}

// BringsDescriptors tells whether descriptors come with the next message. They stay where they are:
// reading it without room for them would close them.
bool BringsDescriptors(int socket) {
  msghdr none = {};
  return ::recvmsg(socket, &none, MSG_PEEK | MSG_DONTWAIT) >= 0 &&
         (none.msg_flags & MSG_CTRUNC) != 0;
}

}  // namespace

KeeperServer::KeeperServer(Requests& requests, std::vector<uid_t> allowed_users)
    : requests_(requests),
      allowed_users_(std::move(allowed_users)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      end_(::eventfd(0, EFD_CLOEXEC)),
      peers_(epoll_.get()) {
  BriefClosing::Prepare();
}

KeeperServer::~KeeperServer() {
  Tell(Go::kNever);
  const BriefClosing brief;
  listener_.reset();
  channel_.reset();
  peers_.Clear();
}

Status KeeperServer::TakeConnectionsFrom(UniqueFd channel) {
  if (!IsPacketSocket(channel.get())) {
    return Misuse("the inherited descriptor is no end of a socketpair of SOCK_SEQPACKET");
  }
  channel_ = std::move(channel);
  channel_is_open_ = true;
  return {};
}

unsigned KeeperServer::Start(unsigned threads) {
  try {
    while (threads_.size() < threads) threads_.emplace_back([this] { Wait(); });
  } catch (const std::system_error&) {
    LogEvent("warning", "too_few_threads", {{"threads", threads_.size()}, {"wanted", threads}});
  }
  std::unique_lock lock(mutex_);
  told_.wait(lock, [this] { return waiting_ == threads_.size(); });
  return static_cast<unsigned>(threads_.size());
}

void KeeperServer::Wait() {
  std::unique_lock lock(mutex_);
  ++waiting_;
  told_.notify_all();
  told_.wait(lock, [this] { return go_ != Go::kNotYet; });
  const bool work = go_ == Go::kWork;
  lock.unlock();
  if (work) Work();
}

void KeeperServer::Run(int end) {
  Watch(end, kSignal, EPOLLIN, EPOLL_CTL_ADD);
  Watch(end_.get(), kEnd, EPOLLIN, EPOLL_CTL_ADD);
  if (listener_.valid()) Watch(listener_.get(), kListener, kOnce, EPOLL_CTL_ADD);
  if (channel_.valid()) Watch(channel_.get(), kChannel, kOnce, EPOLL_CTL_ADD);
  EndIfNobodyIsLeft();
  Tell(Go::kWork);
  Work();
  Tell(Go::kNever);
}

// With kNever: waits for the threads' end, too.
void KeeperServer::Tell(Go go) {
  {
    const std::lock_guard lock(mutex_);
    go_ = go;
  }
  told_.notify_all();
  if (go != Go::kNever) return;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void KeeperServer::Watch(int fd, std::uint64_t number, std::uint32_t events, int operation) {
  epoll_event event = {.events = events, .data = {.u64 = number}};
  ::epoll_ctl(epoll_.get(), operation, fd, &event);
}

// What ends the work is an event for every thread: it is never read.
void KeeperServer::Work() {
  for (;;) {
    epoll_event event = {};
    const int count = ::epoll_wait(epoll_.get(), &event, 1, -1);
    if (count < 0 && errno != EINTR) return;
    if (count < 1) continue;
    if (event.data.u64 == kSignal || event.data.u64 == kEnd) return;
    Handle(event.data.u64);
  }
}

void KeeperServer::Handle(std::uint64_t number) {
  if (number == kListener) return Accept();
  if (number == kChannel) return TakeConnection();
  const KeeperPeers::Peer* peer = peers_.Take(number);
  if (peer == nullptr) return;
  if (Serve(*peer)) return peers_.Release(number, true);
  const BriefClosing brief;
  peers_.Release(number, false);
  EndIfNobodyIsLeft();
}

void KeeperServer::EndIfNobodyIsLeft() {
  if (!listener_.valid() && !channel_is_open_ && peers_.empty()) ::eventfd_write(end_.get(), 1);
}

void KeeperServer::Accept() {
  const BriefClosing brief;
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  // Else who waits there would be an event for ever, and get no further.
  if (!socket.valid() && (errno == EMFILE || errno == ENFILE)) LogReplaced(peers_.MakePlace());
  Watch(listener_.get(), kListener, kOnce, EPOLL_CTL_MOD);
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
  const BriefClosing brief;
  Result<UniqueFd> socket = AcceptFrom(channel_.get());
  if (!socket.ok() && socket.status().fault() == Fault::kTransport) {
    channel_is_open_ = false;  // and it has no event any more
    return EndIfNobodyIsLeft();
  }
  if (socket.ok() && socket->valid()) {
    if (const Result<SocketPeer> who = PeerOf(socket->get()); who.ok()) {
      Welcome(*std::move(socket), *who);
    }
  } else if (!socket.ok()) {
    LogEvent("warning", "connection_refused", {{"reason", socket.status().message()}});
  }
  // Only now: who sees the channel's end sees this peer, too, and does not take it for nobody.
  Watch(channel_.get(), kChannel, kOnce, EPOLL_CTL_MOD);
}

void KeeperServer::Welcome(UniqueFd socket, const SocketPeer& who) {
  LogReplaced(peers_.Add(std::move(socket), who));
}

// Serve answers one request. False: the connection has ended.
bool KeeperServer::Serve(const KeeperPeers::Peer& peer) {
  if (BringsDescriptors(peer.socket.get())) {
    LogDropped(peer.who, "it has sent descriptors");
    return false;
  }
  std::array<std::uint8_t, kFrameSize + 1> bytes;  // one more shows that a frame is too long
  const ssize_t size = ::recv(peer.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size <= 0) return size < 0 && (errno == EAGAIN || errno == EINTR);
  const Result<Frame> request = DecodeFrame(std::span(bytes).first(static_cast<std::size_t>(size)));
  if (request.ok()) return Reply(peer, *request);
  LogDropped(peer.who, request.status().message());
  return false;
}

bool KeeperServer::Reply(const KeeperPeers::Peer& peer, const Frame& request) {
  const Result<Frame> reply = requests_.Answer(request, std::chrono::steady_clock::now());
  if (!reply.ok()) {
    LogDropped(peer.who, reply.status().message());
    return false;
  }
  // Whoever lists identities has come to their end so, and has asked for nothing.
  const bool end_of_list = request.type == FrameType::kListIdentity;
  if (reply->type == FrameType::kRefused && !end_of_list) {
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
