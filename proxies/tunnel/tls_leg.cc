#include "proxies/tunnel/tls_leg.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "bio/record/record_header.h"
#include "proxies/tunnel/blocking_step.h"

namespace detach {

asio::awaitable<Status> TlsLeg::Handshake(std::unique_ptr<TlsBackend> backend) {
  Status status = session_->Upgrade(std::move(backend));
  while (status.ok() && !session_->handshake_done()) {
    status = co_await Flush();
    if (!status.ok()) break;
    const Result<Received> received = TryReceiveMore();
    status = received.status();
    if (!status.ok()) break;
    if (received->arrival == Arrival::kNothing) {
      status = co_await WaitReadable(socket_);
    } else {
      status = co_await TakeWithoutBlocking(*received);
    }
  }
  // Nobody ends another wait, were it for a peer that takes nothing.
  if (cancelled_) co_return status;
  // The last flight, or the alert; where the alert does not get out either, the first error counts.
  const Status flushed = co_await Flush();
  co_return status.ok() ? flushed : status;
}

// Cancel finds nothing that waits while a step runs elsewhere.
asio::awaitable<Status> TlsLeg::TakeWithoutBlocking(Received received) {
  if (room_ == nullptr) co_return Take(received);
  std::function<Status()> step = [this, received] { return Take(received); };
  const Status status = co_await RunBlocking(*room_, std::move(step));
  if (cancelled_) co_return Transport("cancelled");
  co_return status;
}

void TlsLeg::Cancel() {
  cancelled_ = true;
  asio::error_code ignored;
  socket_.cancel(ignored);
}

asio::awaitable<Result<ReadResult>> TlsLeg::Read(std::span<std::uint8_t> bytes) {
  while (true) {
    const Result<ReadResult> result = TryRead(bytes);
    if (!result.ok() || result->event != ReadEvent::kWantInput) co_return result;
    if (const Status status = co_await WaitReadable(socket_); !status.ok()) co_return status;
  }
}

Result<ReadResult> TlsLeg::TryRead(std::span<std::uint8_t> bytes) {
  while (true) {
    const Result<ReadResult> result = session_->Read(bytes);
    SendAnswers();
    if (!result.ok() || result->event != ReadEvent::kWantInput) return result;
    const Result<bool> filled = TryFill();
    SendAnswers();
    if (!filled.ok()) return filled.status();
    if (!*filled) return result;
  }
}

// What the session says to what it read: a KeyUpdate, an alert. Never waits: a reader that waits
// for its writer can deadlock with a peer that does the same. Where the socket is full a Flush is
// under way, or the next one takes it along.
void TlsLeg::SendAnswers() {
  if (session_->Output().empty()) return;
  const Result<std::size_t> sent = TrySend(socket_, session_->Output());
  if (sent.ok()) session_->OutputWritten(*sent);
}

asio::awaitable<Status> TlsLeg::Write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const Result<std::size_t> taken = session_->Write(bytes);
    if (!taken.ok()) co_return taken.status();
    bytes = bytes.subspan(*taken);
    if (const Status status = co_await Flush(); !status.ok()) co_return status;
  }
  co_return Status();
}

// Asks for Output anew after each wait: the other coroutine may have added to it, or sent it.
asio::awaitable<Status> TlsLeg::Flush() {
  while (!session_->Output().empty()) {
    const Result<std::size_t> sent = TrySend(socket_, session_->Output());
    if (!sent.ok()) co_return sent.status();
    session_->OutputWritten(*sent);
    if (session_->Output().empty()) break;
    if (const Status status = co_await WaitWritable(socket_); !status.ok()) co_return status;
  }
  co_return Status();
}

// Receives once, straight into the session's space. False: there was nothing.
Result<bool> TlsLeg::TryFill() {
  const Result<Received> received = TryReceiveMore();
  if (!received.ok()) return received.status();
  if (const Status status = Take(*received); !status.ok()) return status;
  return received->arrival != Arrival::kNothing;
}

// Less than a record is unread here, or Read would not have asked for more. Together with the
// record that is being delivered, a direction never holds more than kMaxHeld.
Result<Received> TlsLeg::TryReceiveMore() {
  const std::size_t room = kMaxHeld - kMaxRecordSize - session_->unread();
  const std::span<std::uint8_t> space = session_->ReceiveSpace();
  return TryReceive(socket_, space.first(std::min(space.size(), room)));
}

Status TlsLeg::Take(const Received& received) {
  const bool ended = received.arrival == Arrival::kEnd;
  return ended ? session_->ReceivedEnd() : session_->Received(received.size);
}

}  // namespace detach
