#include "proxies/tunnel/tls_leg.h"

#include <algorithm>
#include <utility>

#include "bio/record/record_header.h"

namespace detach {

asio::awaitable<Status> TlsLeg::Handshake(std::unique_ptr<TlsBackend> backend) {
  Status status = session_->Upgrade(std::move(backend));
  while (status.ok() && !session_->handshake_done()) {
    status = co_await Flush();
    if (!status.ok()) break;
    const Result<bool> filled = TryFill();
    status = filled.status();
    if (status.ok() && !*filled) status = co_await WaitReadable(socket_);
  }
  // The last flight, or the alert; where the alert does not get out either, the first error counts.
  const Status flushed = co_await Flush();
  co_return status.ok() ? flushed : status;
}

void TlsLeg::Cancel() {
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
//
// Less than a record is unread here, or Read would not have asked for more. Together with the
// record that is being delivered, a direction never holds more than kMaxHeld.
Result<bool> TlsLeg::TryFill() {
  const std::size_t room = kMaxHeld - kMaxRecordSize - session_->unread();
  const std::span<std::uint8_t> space = session_->ReceiveSpace();
  const Result<Received> received = TryReceive(socket_, space.first(std::min(space.size(), room)));
  if (!received.ok()) return received.status();
  const bool ended = received->arrival == Arrival::kEnd;
  const Status status = ended ? session_->ReceivedEnd() : session_->Received(received->size);
  if (!status.ok()) return status;
  return received->arrival != Arrival::kNothing;
}

}  // namespace detach
