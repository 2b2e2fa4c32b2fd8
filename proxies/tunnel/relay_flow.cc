#include "proxies/tunnel/relay_flow.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace detach {
namespace {

// Below this size copying is cheaper than two splices and a pipe. A flow changes its method when
// this many reads in a row speak for the other one.
constexpr std::size_t kWorthSplicing = 4 * 1024;
constexpr std::uint8_t kReadsInARow = 8;

template <typename Call>
ssize_t Retry(Call call) {
  ssize_t result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

RelayFlow::RelayFlow(RawDirection direction)
    : count_{direction.bytes, 0}, owned_(std::move(direction.leftover)), held_(owned_) {
  eof_ = direction.eof;
  if (direction.finished) {
    need_ = Need::kFinished;
  } else if (eof_ || !held_.empty()) {
    need_ = Need::kSink;
  }
}

RelayFlow::Need RelayFlow::Pump(int source, int sink, RelayScratch& scratch, int rounds) {
  if (need_ != Need::kSource && need_ != Need::kSink) return need_;
  need_ = Drain(sink);
  bool more = true;
  while (need_ == Need::kSource && more && rounds-- > 0) {
    const ssize_t read = Fill(source, scratch);
    if (read < 0) {
      if (!WouldBlock()) need_ = Need::kSourceFailed;
      break;
    }
    eof_ = read == 0;
    more = static_cast<std::size_t>(read) >= kBulkRead;
    need_ = Drain(sink);
  }
  TidyUp(scratch);
  return need_;
}

void RelayFlow::Salvage(int source, int sink, RelayScratch& scratch) {
  while (need_ == Need::kSource && Fill(source, scratch) > 0) need_ = Drain(sink);
  TidyUp(scratch);
}

RelayFlow::Need RelayFlow::Drain(int sink) {
  const Need need = in_pipe_ > 0 ? DrainPipe(sink) : DrainHeld(sink);
  return need == Need::kSource && eof_ ? Finish(sink) : need;
}

// A sink that takes less than it is given is full. The rest waits for EPOLLOUT: trying again would
// only fetch the EAGAIN.
RelayFlow::Need RelayFlow::DrainPipe(int sink) {
  const ssize_t sent = Retry([&] {
    return ::splice(pipe_->read_end.get(), nullptr, sink, nullptr, in_pipe_, SPLICE_F_NONBLOCK);
  });
  if (sent < 0) return WouldBlock() ? Need::kSink : Need::kSinkFailed;
  count_.bytes += static_cast<std::uint64_t>(sent);
  count_.spliced += static_cast<std::uint64_t>(sent);
  in_pipe_ -= static_cast<std::size_t>(sent);
  return in_pipe_ == 0 ? Need::kSource : Need::kSink;
}

RelayFlow::Need RelayFlow::DrainHeld(int sink) {
  if (held_.empty()) return Need::kSource;
  const ssize_t sent =
      Retry([&] { return ::send(sink, held_.data(), held_.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
  if (sent < 0) return WouldBlock() ? Need::kSink : Need::kSinkFailed;
  count_.bytes += static_cast<std::uint64_t>(sent);
  held_ = held_.subspan(static_cast<std::size_t>(sent));
  return held_.empty() ? Need::kSource : Need::kSink;
}

RelayFlow::Need RelayFlow::Finish(int sink) {
  return ::shutdown(sink, SHUT_WR) == 0 ? Need::kFinished : Need::kSinkFailed;
}

// Fill reads once, into the pipe or the scratch buffer: 0 at the source's FIN, -1 with errno.
// Precondition: everything read before was delivered.
ssize_t RelayFlow::Fill(int source, RelayScratch& scratch) {
  if (bulk_ && !pipe_) pipe_ = scratch.pipes.Take();
  const ssize_t read = bulk_ && pipe_ ? Splice(source) : Receive(source, scratch);
  if (read > 0) ChooseMethod(static_cast<std::size_t>(read));
  return read;
}

// Splice reads only into an empty pipe. A pipe is full when its slots are, however few bytes are
// in each, so that EAGAIN would else not tell a full pipe from a source with nothing to read.
ssize_t RelayFlow::Splice(int source) {
  const ssize_t read = Retry([&] {
    return ::splice(source, nullptr, pipe_->write_end.get(), nullptr, pipe_->capacity,
                    SPLICE_F_NONBLOCK);
  });
  if (read > 0) in_pipe_ = static_cast<std::size_t>(read);
  return read;
}

// Receive copies. A message is read with a small buffer, so that little of what turns out to be
// bulk is copied; bulk for which there is no pipe with all of it.
ssize_t RelayFlow::Receive(int source, RelayScratch& scratch) {
  const std::size_t size = bulk_ ? scratch.buffer.size() : kBulkRead;
  const ssize_t read =
      Retry([&] { return ::recv(source, scratch.buffer.data(), size, MSG_DONTWAIT); });
  if (read > 0) {
    held_ = std::span(scratch.buffer).first(static_cast<std::size_t>(read));
    borrowed_ = true;
  }
  return read;
}

void RelayFlow::ChooseMethod(std::size_t read) {
  const bool for_splicing = read >= kWorthSplicing;
  reads_for_other_ = for_splicing == bulk_ ? 0 : reads_for_other_ + 1;
  const bool surely_bulk = !bulk_ && read >= kBulkRead;
  if (!surely_bulk && reads_for_other_ < kReadsInARow) return;
  bulk_ = !bulk_;
  reads_for_other_ = 0;
}

// TidyUp gives back what was used and copies what could not be sent out of the scratch buffer.
void RelayFlow::TidyUp(RelayScratch& scratch) {
  if (pipe_ && in_pipe_ == 0) scratch.pipes.Give(std::move(pipe_));
  if (held_.empty()) {
    owned_ = std::vector<std::uint8_t>();
  } else if (borrowed_) {
    owned_.assign(held_.begin(), held_.end());
    held_ = owned_;
  }
  borrowed_ = false;
}

void RelayFlow::Abandon(RelayScratch& scratch) {
  if (pipe_) scratch.pipes.Discard(std::move(pipe_));
}

}  // namespace detach
