#include "bio/session/tls_session.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

namespace detach {
namespace {

std::string HexOf(std::span<const std::uint8_t> bytes) {
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    char two[4];
    std::snprintf(two, sizeof(two), "%02x ", byte);
    hex += two;
  }
  if (!hex.empty()) hex.pop_back();
  return hex;
}

bool IsRecordHeader(std::span<const std::uint8_t> record) {
  return ParseRecordHeader(record.first<kRecordHeaderSize>()).has_value();
}

}  // namespace

std::span<std::uint8_t> TlsSession::ReceiveSpace() {
  if (!pending_.empty()) return {};
  return gate_.Prepare();
}

Status TlsSession::Received(std::size_t size) {
  if (!failure_.ok()) return failure_;
  gate_.Commit(size);
  return Process();
}

Status TlsSession::ReceivedEnd() {
  if (!failure_.ok()) return failure_;
  transport_ended_ = true;
  return CheckEnd();
}

void TlsSession::OutputWritten(std::size_t size) noexcept { output_.Pop(size); }

Status TlsSession::Upgrade(std::unique_ptr<TlsBackend> backend) {
  if (!failure_.ok()) return failure_;
  assert(backend != nullptr);
  if (!pending_.empty() || peer_detached_) {
    return Misuse("upgrade: read what came under the last TLS first, up to kPeerDetached");
  }
  if (const Status status = Take(Event::kUpgrade); !status.ok()) return status;
  backend_ = std::move(backend);
  if (Status status = backend_->Start(*this); !status.ok()) return Fail(std::move(status));
  if (const Status status = Process(); !status.ok()) return status;
  return CheckEnd();
}

Result<std::size_t> TlsSession::Write(std::span<const std::uint8_t> bytes) {
  if (!failure_.ok()) return failure_;
  if (state_.sending == Sending::kHandshake) return Misuse("write: the handshake is not done");
  if (state_.sending == Sending::kClosing) {
    return Misuse("write: close_notify was sent, and TLS 1.2 has not been left (Detach)");
  }
  const std::size_t room = kMaxOutput - std::min(kMaxOutput, output_.size());
  const std::span<const std::uint8_t> taken = bytes.first(std::min(room, bytes.size()));
  if (taken.empty()) return std::size_t{0};
  if (state_.sending == Sending::kRaw) {
    output_.Append(taken);
  } else if (Status status = backend_->Send(taken, *this); !status.ok()) {
    return Fail(std::move(status));
  }
  return taken.size();
}

Result<ReadResult> TlsSession::Read(std::span<std::uint8_t> bytes) {
  assert(!bytes.empty());
  if (!failure_.ok()) return failure_;
  if (pending_.empty()) {
    if (const Status status = Process(); !status.ok()) return status;
  }
  if (!pending_.empty()) {
    const std::size_t size = std::min(bytes.size(), pending_.size());
    std::memcpy(bytes.data(), pending_.front().data(), size);
    pending_.Pop(size);
    return ReadResult{ReadEvent::kBytes, Origin::kTls, size};
  }
  if (std::exchange(peer_detached_, false)) return ReadResult{ReadEvent::kPeerDetached};
  if (state_.receiving != Receiving::kRaw) {
    if (const Status status = CheckEnd(); !status.ok()) return status;
    return ReadResult{ReadEvent::kWantInput};
  }
  if (gate_.held() > 0) {
    const std::span<const std::uint8_t> raw = gate_.TakeRaw(bytes.size());
    std::memcpy(bytes.data(), raw.data(), raw.size());
    const ReadResult result{ReadEvent::kBytes, Origin::kRaw, raw.size()};
    gate_.Release();
    return result;
  }
  return ReadResult{transport_ended_ ? ReadEvent::kEnd : ReadEvent::kWantInput};
}

Status TlsSession::Detach() {
  if (!failure_.ok()) return failure_;
  return Take(Event::kDetach);
}

Status TlsSession::UpdateKeys() {
  if (!failure_.ok()) return failure_;
  if (state_.sending != Sending::kTls) return Misuse("key update: not sending under TLS");
  Status status = backend_->UpdateKeys(*this);
  if (status.ok() || status.fault() == Fault::kMisuse) return status;
  return Fail(std::move(status));
}

Status TlsSession::BackendReady() const {
  if (!failure_.ok()) return failure_;
  if (!handshake_done()) return Misuse("no TLS, or its handshake is not done");
  return {};
}

Result<Bytes> TlsSession::Export(std::string_view label, std::span<const std::uint8_t> context,
                                 std::size_t size) const {
  if (Status status = BackendReady(); !status.ok()) return status;
  return backend_->Export(label, context, size);
}

Result<HandshakeSummary> TlsSession::Summary() const {
  if (Status status = BackendReady(); !status.ok()) return status;
  return backend_->Summary();
}

std::optional<std::uint8_t> TlsSession::peer_alert() const noexcept {
  return backend_ ? backend_->peer_alert() : std::nullopt;
}

// Rule 6: nothing of the TLS object may follow its close_notify on the wire, whatever it thinks it
// has to answer (Xray-core #6794).
void TlsSession::OnRecords(std::span<const std::uint8_t> records) {
  if (state_.sending == Sending::kRaw || state_.sending == Sending::kClosing) return;
  output_.Append(records);
}

void TlsSession::OnPlaintext(std::span<const std::uint8_t> bytes) {
  if (state_.receiving == Receiving::kTls) {
    pending_.Append(bytes);
  } else {
    violation_ = "data before the handshake was done";
  }
}

void TlsSession::OnHandshakeDone() {
  if (const auto row = FindTransition(state_, Event::kHandshakeDone, false)) {
    state_ = row->to;
  } else {
    violation_ = "a second handshake inside the first TLS";
  }
}

void TlsSession::OnCloseNotify() { close_notify_ = true; }

// Takes records while there is no plaintext to be read: so a reader that stops stops the writer.
Status TlsSession::Process() {
  while (state_.receiving != Receiving::kRaw && pending_.empty()) {
    const std::span<const std::uint8_t> record = gate_.TakeRecord();
    if (record.empty()) break;
    if (const Status status = ProcessRecord(record); !status.ok()) return status;
  }
  gate_.Release();
  return {};
}

Status TlsSession::ProcessRecord(std::span<const std::uint8_t> record) {
  const bool is_record = IsRecordHeader(record);
  const std::string begin = is_record ? "" : HexOf(record);
  if (Status status = backend_->Receive(record, *this); !status.ok()) {
    return Fail(std::move(status));
  }
  if (!is_record) {
    return Fail(Violation("these bytes start no TLS record: " + begin +
                          "; does the peer speak TLS on this port?"));
  }
  if (violation_ != nullptr) return Fail(Violation(violation_));
  // A peer that makes TLS answer (KeyUpdate) and does not read the answers would fill the memory.
  if (output_.size() > 2 * kMaxOutput) return Fail(Violation("answers asked for and never read"));
  if (!std::exchange(close_notify_, false)) return {};
  if (const Status status = Take(Event::kCloseNotify); !status.ok()) return status;
  peer_detached_ = true;
  return {};
}

// RFC 9846 §6.1: data that ends without close_notify may have been truncated by anybody.
Status TlsSession::CheckEnd() {
  if (!transport_ended_ || state_.receiving == Receiving::kRaw || !pending_.empty()) return {};
  return Fail(Truncated(state_.receiving == Receiving::kHandshake
                            ? "the connection ended in mid-handshake"
                            : "the connection ended without close_notify"));
}

Status TlsSession::Take(Event event) {
  const std::optional<Transition> row =
      FindTransition(state_, event, backend_ != nullptr && backend_->half_detach());
  if (!row) {
    std::string message = std::string(Name(event)) + " while sending is " +
                          std::string(Name(state_.sending)) + " and receiving is " +
                          std::string(Name(state_.receiving));
    if (event == Event::kCloseNotify) return Fail(Violation(std::move(message)));
    return Misuse(std::move(message));
  }
  if (row->action == Action::kSendCloseNotify) {
    if (Status status = backend_->SendCloseNotify(*this); !status.ok()) {
      return Fail(std::move(status));
    }
  }
  state_ = row->to;
  if (state_ == State{}) backend_.reset();
  return {};
}

Status TlsSession::Fail(Status status) {
  failure_ = std::move(status);
  return failure_;
}

}  // namespace detach
