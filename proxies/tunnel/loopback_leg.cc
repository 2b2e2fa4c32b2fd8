#include "proxies/tunnel/loopback_leg.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cassert>
#include <utility>

namespace detach {
namespace {

bool IsReadable(int fd) {
  pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

// Waits until `news` is readable. asio may wake up for what a descriptor before this one was about.
//
// A close of the copy would leave what epoll knows of it behind, for `news` stays open; asio's
// release takes it out.
asio::awaitable<void> AwaitNews(asio::any_io_executor executor, int news) {
  asio::posix::stream_descriptor descriptor(executor, ::dup(news));
  asio::error_code ignored;
  while (!IsReadable(news)) {
    co_await descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, ignored));
  }
  ::close(descriptor.release());
}

Result<Socket> Adopt(const asio::any_io_executor& executor, UniqueFd fd) {
  Socket socket(executor);
  asio::error_code error;
  socket.assign(asio::ip::tcp::v4(), fd.get(), error);
  if (error) return Internal("socket: " + error.message());
  (void)fd.release();
  if (Status status = MakeNonBlocking(socket); !status.ok()) return status;
  return socket;
}

}  // namespace

LoopbackLeg::LoopbackLeg(Socket socket, ThreadRoom& room, std::shared_ptr<const void> kept,
                         std::chrono::milliseconds leave)
    : TlsLeg(std::move(socket)), room_(room), kept_(std::move(kept)), leave_(leave) {}

// What is under TLS ends by the end of the clear side, and what was said still goes out, for as
// long as the peer takes it; what waits for something else must be told.
LoopbackLeg::~LoopbackLeg() {
  ForgetDetach();
  if (!pairing_ || phase_ == Phase::kRaw) return;
  if (phase_ == Phase::kPlain || phase_ == Phase::kLeaving) {
    pairing_->Stop();
  } else {
    pairing_->Abandon();
  }
}

asio::awaitable<Status> LoopbackLeg::Handshake(std::unique_ptr<TlsBackend> backend) {
  const asio::any_io_executor executor = socket().get_executor();
  pairing_ = std::make_shared<LoopbackPairing>(UniqueFd(socket().release()), std::move(backend),
                                               kept_, leave_);
  if (Status status = room_.Start(pairing_); !status.ok()) co_return status;
  co_await AwaitNews(executor, pairing_->established());
  Result<LoopbackPairing::Established> established = pairing_->TakeEstablished();
  phase_ = Phase::kOver;
  if (!established.ok()) co_return established.status();
  Result<Socket> clear = Adopt(executor, std::move(established->clear));
  if (!clear.ok()) co_return clear.status();
  GoOnWith(*std::move(clear));
  summary_ = std::move(established->summary);
  connection_ = std::move(established->connection);
  phase_ = Phase::kTls;
  co_return Status();
}

void LoopbackLeg::Cancel() {
  if (phase_ == Phase::kPlain && pairing_) pairing_->Stop();
  TlsLeg::Cancel();
}

// The raw bytes of the clear side are what came under TLS, and its end is the peer's close_notify.
Result<ReadResult> LoopbackLeg::TryRead(std::span<std::uint8_t> bytes) {
  Result<ReadResult> read = TlsLeg::TryRead(bytes);
  if (phase_ == Phase::kRaw || (read.ok() && read->event == ReadEvent::kWantInput)) return read;
  if (read.ok() && read->event == ReadEvent::kEnd) return PeerLeft();
  if (std::exchange(expecting_, false)) {
    const Status decided = pairing_->Decide(read.ok() ? Verdict::kBytes : Verdict::kFailure);
    if (!decided.ok()) return decided;
  }
  if (read.ok()) read->origin = Origin::kTls;
  return read;
}

Result<ReadResult> LoopbackLeg::PeerLeft() {
  if (std::exchange(peer_left_, true)) return ReadResult{ReadEvent::kEnd};
  if (expecting_) {
    if (const Status decided = pairing_->Decide(Verdict::kEnd); !decided.ok()) return decided;
  }
  return ReadResult{ReadEvent::kPeerDetached};
}

Status LoopbackLeg::ExpectDetach() {
  Status status = pairing_->ExpectDetach();
  expecting_ = status.ok();
  return status;
}

void LoopbackLeg::ForgetDetach() {
  if (expecting_ && !peer_left_ && pairing_->ForgetDetach().ok()) expecting_ = false;
}

// The end of our direction of the clear side is what makes the stack send its close_notify. What
// is written from here on waits for the raw connection.
Status LoopbackLeg::Detach() {
  if (closed_ || phase_ != Phase::kTls) return Misuse("detach: the sending direction is not TLS");
  closed_ = true;
  if (!expecting_ || !peer_left_) return {};  // Flush tells the stack, behind what is queued
  if (!session().Output().empty()) return Misuse("detach: something is still to be sent");
  SendFin(socket());
  BeginRaw();
  phase_ = Phase::kLeaving;
  return {};
}

Sending LoopbackLeg::sending() const {
  if (phase_ == Phase::kRaw) return Sending::kRaw;
  // RFC 5246 §7.2.1: the answer to a close_notify is due at once.
  const bool both = peer_left_ && summary_ && summary_->version == TlsVersion::kTls12;
  return closed_ || both ? Sending::kClosing : Sending::kTls;
}

asio::awaitable<Status> LoopbackLeg::Flush() {
  if (phase_ == Phase::kLeaving) {
    Status raw = co_await AwaitRaw();
    if (!raw.ok()) co_return raw;
  }
  Status flushed = co_await TlsLeg::Flush();
  if (flushed.ok() && closed_ && phase_ == Phase::kTls) SendFin(socket());
  co_return flushed;
}

// Both directions may wait here: whoever comes first takes the connection over.
asio::awaitable<Status> LoopbackLeg::AwaitRaw() {
  co_await AwaitNews(socket().get_executor(), pairing_->ended());
  if (phase_ == Phase::kLeaving) {
    phase_ = Phase::kRaw;
    failure_ = BecomeRaw();
  }
  co_return failure_;
}

Status LoopbackLeg::BecomeRaw() {
  Result<std::optional<LoopbackPairing::Detached>> end = pairing_->TakeEnd();
  if (!end.ok()) return end.status();
  if (!end->has_value()) return Internal("the connection ended while it was left");
  Result<Socket> peer = Adopt(socket().get_executor(), std::move((*end)->peer));
  if (!peer.ok()) return peer.status();
  SetResetOnClose(*peer, true);  // as the tunnel has it, until it is over
  GoOnWith(*std::move(peer));
  const std::vector<std::uint8_t>& leftover = (*end)->leftover;
  if (leftover.empty()) return {};
  const std::span<std::uint8_t> space = session().ReceiveSpace();
  assert(space.size() >= leftover.size());
  std::ranges::copy(leftover, space.begin());
  return session().Received(leftover.size());
}

Result<HandshakeSummary> LoopbackLeg::Summary() const {
  if (!summary_) return Misuse("no handshake");
  return *summary_;
}

OuterConnection LoopbackLeg::outer_connection() const { return *connection_; }

}  // namespace detach
