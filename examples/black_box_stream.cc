#include "examples/black_box_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "bio/socket/tcp.h"
#include "examples/clear_side.h"

namespace detach {
namespace {

constexpr std::chrono::minutes kCall{10};
constexpr std::chrono::seconds kHandshake{10};
constexpr std::chrono::seconds kDetach{5};
constexpr std::chrono::milliseconds kLookAround{100};

Status SendAll(const UniqueFd& to, std::span<const std::uint8_t> bytes) {
  const Deadline deadline(kCall);
  while (!bytes.empty()) {
    const ssize_t sent = send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return SystemFailure("send", errno);
    } else {
      const Result<bool> ready = WaitReady(to.get(), POLLOUT, deadline);
      if (!ready.ok()) return ready.status();
      if (!*ready) return Transport("nobody takes what is sent");
    }
  }
  return {};
}

// Waits for bytes (at least 1) or the end (0).
Result<std::size_t> ReceiveSome(const UniqueFd& from, std::span<std::uint8_t> bytes,
                                const Deadline& deadline) {
  while (true) {
    const Result<bool> ready = WaitReady(from.get(), POLLIN, deadline);
    if (!ready.ok()) return ready.status();
    if (!*ready) return Transport("nothing came");
    const ssize_t size = recv(from.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EAGAIN && errno != EINTR) return SystemFailure("recv", errno);
  }
}

}  // namespace

BlackBoxStream::~BlackBoxStream() {
  if (pair_) pair_->Stop();
}

Status BlackBoxStream::Upgrade() {
  const Deadline deadline(kHandshake);
  Result<UniqueFd> stack = ConnectTcp(black_box_.host, black_box_.port, deadline);
  if (!stack.ok()) return stack.status();
  const Result<std::string> proxy_line = ProxyLineFor(*stack);
  if (!proxy_line.ok()) return proxy_line.status();
  pair_ = std::make_unique<LoopbackPair>(std::move(plain_), *std::move(stack),
                                         std::exchange(unread_, {}));
  running_ = std::async(std::launch::async, [pair = pair_.get()] { return pair->Run(); });
  expecting_ = peer_left_ = false;
  return AwaitClearSide(*proxy_line, deadline);
}

// The server connects when the handshake is done; or never, where the peer has left meanwhile.
Status BlackBoxStream::AwaitClearSide(const std::string& proxy_line, const Deadline& deadline) {
  while (deadline.PollTimeout() > 0) {
    Result<UniqueFd> clear =
        AcceptClearSide(black_box_.clear_listener, proxy_line, Deadline(kLookAround));
    if (clear.ok()) {
      clear_ = *std::move(clear);
      return {};
    }
    if (running_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) break;
  }
  return Transport("the TLS server passed no connection on");
}

Status BlackBoxStream::Write(std::span<const std::uint8_t> bytes) {
  return SendAll(pair_ ? clear_ : plain_, bytes);
}

Result<ReadResult> BlackBoxStream::Read(std::span<std::uint8_t> bytes) {
  return pair_ ? ReadClear(bytes) : ReadRaw(bytes);
}

// Where a detach is expected, whatever comes is the verdict.
Result<ReadResult> BlackBoxStream::ReadClear(std::span<std::uint8_t> bytes) {
  const Result<std::size_t> size = ReceiveSome(clear_, bytes, Deadline(kCall));
  if (size.ok() && *size == 0) return PeerLeft();
  if (std::exchange(expecting_, false)) {
    const Status decided = pair_->Decide(size.ok() ? Verdict::kBytes : Verdict::kFailure);
    if (!decided.ok()) return decided;
  }
  if (!size.ok()) return size.status();
  return ReadResult{ReadEvent::kBytes, Origin::kTls, *size};
}

Result<ReadResult> BlackBoxStream::PeerLeft() {
  if (std::exchange(expecting_, false)) {
    if (Status decided = pair_->Decide(Verdict::kEnd); !decided.ok()) return decided;
    peer_left_ = true;
  }
  return ReadResult{ReadEvent::kPeerDetached};
}

Result<ReadResult> BlackBoxStream::ReadRaw(std::span<std::uint8_t> bytes) {
  if (!unread_.empty()) {
    const std::size_t size = std::min(bytes.size(), unread_.size());
    std::copy_n(unread_.begin(), size, bytes.begin());
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(size));
    return ReadResult{ReadEvent::kBytes, Origin::kRaw, size};
  }
  const Result<std::size_t> size = ReceiveSome(plain_, bytes, Deadline(kCall));
  if (!size.ok()) return size.status();
  return ReadResult{*size == 0 ? ReadEvent::kEnd : ReadEvent::kBytes, Origin::kRaw, *size};
}

Status BlackBoxStream::ExpectDetach() {
  Status status = pair_->ExpectDetach(Deadline(kDetach));
  expecting_ = status.ok();
  return status;
}

// Ours first, unless the peer has left: the end of our direction of the clear side is what makes
// the stack send its close_notify.
Status BlackBoxStream::Detach() {
  shutdown(clear_.get(), SHUT_WR);
  if (!peer_left_) {
    std::uint8_t byte = 0;
    const Result<ReadResult> read = ReadClear({&byte, 1});
    if (!read.ok()) return read.status();
    if (read->event != ReadEvent::kPeerDetached) {
      return Violation("the peer sent data where its close_notify was due");
    }
  }
  return Leave();
}

Status BlackBoxStream::DetachSending(std::span<const std::uint8_t> raw) {
  if (Status left = Leave(); !left.ok()) return left;
  return raw.empty() ? Status() : Write(raw);
}

// Where no detach was agreed, this is the end of the connection.
Status BlackBoxStream::Leave() {
  clear_.reset();
  Result<std::optional<LoopbackPair::Detached>> ran = running_.get();
  pair_.reset();
  if (!ran.ok()) return ran.status();
  if (ran->has_value()) {
    plain_ = std::move((*ran)->peer);
    unread_ = std::move((*ran)->leftover);
  }
  return {};
}

}  // namespace detach
