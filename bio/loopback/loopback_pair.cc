#include "bio/loopback/loopback_pair.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "bio/socket/tcp.h"

namespace detach {
namespace {

using Phase = RecordMover::Phase;

bool TryAgain(int error) { return error == EAGAIN || error == EINTR; }

// Closes with an RST where there is such a thing.
void Reset(UniqueFd& fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd.reset();
}

// Sends what `lane` has, as much as the kernel takes. Returns the size, or -1 and errno.
ssize_t Send(const RecordLane& lane, const UniqueFd& to) {
  return send(to.get(), lane.Output().data(), lane.Output().size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::string What(Phase phase) {
  switch (phase) {
    case Phase::kExpecting:
      return "the peer sent no close_notify";
    case Phase::kHandedOver:
      return "the TLS stack did not say what it was given";
    case Phase::kLeaving:
      return "the TLS stack did not close behind its close_notify";
    default:
      return "the peer did not close";
  }
}

// The events to wait for on a descriptor that is read into one lane and written from the other;
// poll(2) ignores a negative one, and would report a hang-up of any other without end.
pollfd Waiting(const UniqueFd& fd, RecordLane& read, const RecordLane& written) {
  const int events =
      (read.ReceiveSpace().empty() ? 0 : POLLIN) | (written.Output().empty() ? 0 : POLLOUT);
  return {.fd = events == 0 ? -1 : fd.get(), .events = static_cast<short>(events), .revents = 0};
}

}  // namespace

LoopbackPair::LoopbackPair(UniqueFd peer, UniqueFd stack, std::span<const std::uint8_t> unread,
                           LoopbackLimits limits)
    : limits_(limits),
      peer_(std::move(peer)),
      stack_(std::move(stack)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      mover_(unread) {
  if (!wake_.valid()) mover_.Fail(SystemFailure("eventfd", errno));
}

Result<std::optional<LoopbackPair::Detached>> LoopbackPair::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Move();
    if (Over()) return Finish();
    Wait(lock);
  }
}

Status LoopbackPair::ExpectDetach(std::optional<Deadline> until) {
  const std::lock_guard lock(mutex_);
  Status status = mover_.ExpectDetach();
  if (status.ok() && mover_.phase() == Phase::kExpecting) deadline_ = until;
  Wake();
  return status;
}

Status LoopbackPair::ForgetDetach() {
  const std::lock_guard lock(mutex_);
  Status status = mover_.ForgetDetach();
  Wake();
  return status;
}

Status LoopbackPair::Decide(Verdict verdict) {
  const std::lock_guard lock(mutex_);
  Status status = mover_.Decide(verdict);
  Wake();
  return status;
}

void LoopbackPair::Abandon() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(abandoned_, true)) deadline_.emplace(limits_.close);
  Wake();
}

void LoopbackPair::Stop() {
  const std::lock_guard lock(mutex_);
  if (!Over()) mover_.Fail(Misuse("loopback pair: it was stopped"));
  Wake();
}

void LoopbackPair::Wake() noexcept { (void)eventfd_write(wake_.get(), 1); }

bool LoopbackPair::Over() const noexcept {
  const Phase phase = mover_.phase();
  return phase == Phase::kDetached || phase == Phase::kClosed || phase == Phase::kFailed;
}

// Each lane once: the lock is free for the owner in between.
void LoopbackPair::Move() {
  mover_.Advance();
  bool moved = Receive(mover_.to_stack(), peer_);
  moved = Receive(mover_.to_peer(), stack_) || moved;
  mover_.Advance();
  moved = SendToStack() || moved;
  const bool taken = SendToPeer();
  mover_.Advance();
  TellEnds();
  ChooseLimit(taken, moved || taken);
  KeepLimit();
}

bool LoopbackPair::Receive(RecordLane& lane, const UniqueFd& from) {
  if (Over()) return false;
  const std::span<std::uint8_t> space = lane.ReceiveSpace();
  if (space.empty()) return false;
  const ssize_t size = recv(from.get(), space.data(), space.size(), MSG_DONTWAIT);
  if (size > 0) {
    lane.Received(static_cast<std::size_t>(size));
  } else if (size == 0) {
    lane.ReceivedEnd();
  } else if (!TryAgain(errno) && &from == &peer_) {
    mover_.Fail(SystemFailure("the peer", errno));
  } else if (!TryAgain(errno)) {
    mover_.StackFailed(SystemFailure("the TLS stack", errno));
  }
  return size >= 0;
}

bool LoopbackPair::SendToPeer() {
  RecordLane& lane = mover_.to_peer();
  if (lane.Output().empty()) return false;
  const ssize_t sent = Send(lane, peer_);
  if (sent >= 0) {
    lane.OutputWritten(static_cast<std::size_t>(sent));
  } else if (!TryAgain(errno)) {
    mover_.Fail(SystemFailure("the peer", errno));
  }
  return sent >= 0;
}

bool LoopbackPair::SendToStack() {
  RecordLane& lane = mover_.to_stack();
  if (lane.Output().empty()) return false;
  const ssize_t sent = Send(lane, stack_);
  if (sent >= 0) {
    lane.OutputWritten(static_cast<std::size_t>(sent));
  } else if (!TryAgain(errno)) {
    mover_.StackTakesNoMore(SystemFailure("the TLS stack", errno));
  }
  return sent >= 0;
}

void LoopbackPair::TellEnds() {
  if (mover_.StackEndDue() && !std::exchange(stack_told_, true)) shutdown(stack_.get(), SHUT_WR);
  if (mover_.PeerEndDue() && !std::exchange(peer_told_, true)) shutdown(peer_.get(), SHUT_WR);
}

void LoopbackPair::ChooseLimit(bool taken, bool moved) {
  if (abandoned_) {
    if (taken) deadline_.emplace(limits_.close);
    return;
  }
  const Phase phase = mover_.phase();
  const bool leaving = phase == Phase::kHandedOver || phase == Phase::kLeaving;
  if (leaving && !leaving_) deadline_.emplace(limits_.leave);
  leaving_ = leaving;
  if (phase == Phase::kMoving && !mover_.to_peer().ended()) deadline_.reset();
  if (phase == Phase::kMoving && mover_.to_peer().ended() && (moved || !deadline_)) {
    deadline_.emplace(limits_.close);
  }
}

void LoopbackPair::KeepLimit() {
  if (!Over() && deadline_ && deadline_->PollTimeout() == 0) {
    mover_.Fail(Transport(What(mover_.phase()) + " within " +
                          std::to_string(deadline_->length().count()) + " ms"));
  }
}

void LoopbackPair::Wait(std::unique_lock<std::mutex>& lock) {
  std::array<pollfd, 3> waiting = {Waiting(peer_, mover_.to_stack(), mover_.to_peer()),
                                   Waiting(stack_, mover_.to_peer(), mover_.to_stack()),
                                   {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  const int timeout = deadline_ ? deadline_->PollTimeout() : -1;
  lock.unlock();
  (void)poll(waiting.data(), waiting.size(), timeout);  // what it found is tried anew anyway
  lock.lock();
  eventfd_t ignored = 0;
  (void)eventfd_read(wake_.get(), &ignored);
}

Result<std::optional<LoopbackPair::Detached>> LoopbackPair::Finish() {
  if (!mover_.status().ok()) {
    Reset(stack_);
    Reset(peer_);
    return mover_.status();
  }
  stack_.reset();
  if (mover_.phase() == Phase::kClosed) {
    peer_.reset();
    return std::optional<Detached>();
  }
  return std::optional<Detached>({std::move(peer_), mover_.TakeLeftover()});
}

}  // namespace detach
