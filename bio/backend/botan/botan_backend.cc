#include "bio/backend/botan/botan_backend.h"

#include <algorithm>
#include <utility>

#include "bio/backend/botan/botan_error.h"
#include "bio/backend/tls_alert.h"

namespace detach {
namespace {

// A record without a byte behind its header.
constexpr std::size_t kEmptyRecord = 5;

// A peer may send a chain and a list of CAs of 64 KiB each before there is data. Botan would hold
// a handshake message of up to 16 MiB for it.
constexpr std::size_t kMaxSilentBytes = 192 * 1024;

}  // namespace

BotanBackend::BotanBackend(BotanSetup& setup)
    : setup_(setup),
      sessions_(std::make_shared<BotanSessions>(setup.sessions)),
      channel_({setup.config, setup.policy, sessions_, setup.trust.anchors()}, *this) {}

// A connection that did not end in a close_notify of ours ended badly: nobody resumes it. One
// whose handshake never finished may be anybody's, and costs nobody their session.
BotanBackend::~BotanBackend() {
  if (handshake_done_ && !closed_) sessions_->ForgetOwn();
}

// Run makes `sink` the target of what Botan brings out while `call` runs.
template <typename Call>
Status BotanBackend::Run(Sink& sink, bool reading, Call call) noexcept {
  sink_ = &sink;
  emitted_ = 0;
  Status status;
  try {
    status = call();
  } catch (...) {
    status = CurrentBotanException(reading);
  }
  sink_ = nullptr;
  return cause_.ok() ? std::move(status) : std::move(cause_);
}

Status BotanBackend::Start(Sink& sink) noexcept {
  return Run(sink, false, [this]() -> Status {
    channel_.Open();
    return {};
  });
}

Status BotanBackend::Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept {
  return Run(sink, true, [this, record] { return Accept(record); });
}

Status BotanBackend::Accept(std::span<const std::uint8_t> record) {
  // Botan 3 would swallow it without a word.
  if (close_notify_) return Violation("TLS: a record behind close_notify");
  silent_bytes_ += record.size();
  // Botan would wait for the rest of what is no record, or take it for a message of no length.
  if (record.size() <= kEmptyRecord || silent_bytes_ > kMaxSilentBytes) {
    channel_.Fail(alert::kUnexpectedMessage);
    return Violation(record.size() <= kEmptyRecord ? "TLS: these bytes are no record"
                                                   : "TLS: a flood of messages without data");
  }
  channel_.Receive(record);
  if (peer_alert_) return PeerAlert(*peer_alert_);
  if (answers_ && emitted_ == 0) return Internal("out of memory");
  Report();
  return {};
}

// Report tells the owner what the record brought, now that Botan has taken all of it.
void BotanBackend::Report() {
  if (activated_ && !handshake_done_) {
    CheckProtocol();
    handshake_done_ = true;
    ToSink([this] { sink_->OnHandshakeDone(); });
  }
  if (close_notify_) ToSink([this] { sink_->OnCloseNotify(); });
}

// RFC 7301 §3.1: the server's choice is one of those offered.
void BotanBackend::CheckProtocol() {
  const std::string protocol = channel_.protocol();
  if (protocol.empty() || std::ranges::count(setup_.config.alpn, protocol) > 0) return;
  channel_.Fail(alert::kIllegalParameter);
  End(Violation("TLS: the peer chose an application protocol that was not offered"),
      alert::kIllegalParameter);
}

Status BotanBackend::Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept {
  return Run(sink, false, [this, plaintext]() -> Status {
    channel_.Send(plaintext);
    return {};
  });
}

// Botan swallows what goes wrong while it writes an alert: one that did not come out was not sent.
Status BotanBackend::SendCloseNotify(Sink& sink) noexcept {
  return Run(sink, false, [this]() -> Status {
    if (std::exchange(closed_, true)) return {};
    channel_.Close();
    return emitted_ > 0 ? Status() : Internal("out of memory");
  });
}

Status BotanBackend::UpdateKeys(Sink& sink) noexcept {
  return Run(sink, false, [this]() -> Status {
    if (!half_detach()) return Misuse("TLS 1.2 has no key update");
    channel_.UpdateKeys();
    return {};
  });
}

bool BotanBackend::half_detach() const noexcept {
  return facts_.version == static_cast<std::uint16_t>(TlsVersion::kTls13);
}

Result<Bytes> BotanBackend::Export(std::string_view label, std::span<const std::uint8_t> context,
                                   std::size_t size) const noexcept try {
  if (!half_detach() && !facts_.extended_master_secret) {
    return Incompatible("exporter: TLS 1.2 without extended_master_secret binds nothing");
  }
  // RFC 5705 §4: they differ. RFC 9846 §7.5: no longer.
  if (!half_detach() && context.empty()) {
    return Incompatible("exporter: Botan has no empty context over TLS 1.2; give one");
  }
  return channel_.Export(label, context, size);
} catch (...) {
  return CurrentBotanException(false);
}

Result<HandshakeSummary> BotanBackend::Summary() const noexcept try {
  HandshakeSummary summary;
  summary.version = half_detach() ? TlsVersion::kTls13 : TlsVersion::kTls12;
  summary.cipher_suite = facts_.cipher_suite;
  summary.alpn = channel_.protocol();
  summary.resumed = facts_.resumed;
  for (const Botan::X509_Certificate& certificate : channel_.peer_chain()) {
    summary.peer_chain.push_back(certificate.BER_encode());
  }
  return summary;
} catch (...) {
  return CurrentBotanException(false);
}

// ToSink remembers that the sink threw: Botan swallows it in places.
template <typename Call>
void BotanBackend::ToSink(Call call) {
  try {
    call();
  } catch (...) {
    if (cause_.ok()) cause_ = Internal("out of memory");
    throw;
  }
}

// Behind our own close_notify nothing may leave, whatever Botan has to say.
void BotanBackend::OnRecords(std::span<const std::uint8_t> records) {
  ToSink([this, records] { sink_->OnRecords(records); });
  ++emitted_;
}

void BotanBackend::OnPlaintext(std::span<const std::uint8_t> bytes) {
  silent_bytes_ = 0;
  ToSink([this, bytes] { sink_->OnPlaintext(bytes); });
}

void BotanBackend::OnAlert(std::uint8_t description, bool fatal) {
  if (fatal) {
    peer_alert_ = description;
  } else if (description == alert::kCloseNotify) {
    close_notify_ = true;
    // RFC 5246 §7.2.1: over TLS 1.2 the answer is due at once, and Botan gives it.
    if (!half_detach() && !closed_) answers_ = closed_ = true;
  }
}

void BotanBackend::VerifyPeer(const std::vector<Botan::X509_Certificate>& chain) {
  std::optional<BotanRefusal> refusal;
  try {
    refusal = setup_.trust.Check(chain);
  } catch (...) {
    Status cause = CurrentBotanException(true);
    const bool ours = cause.fault() == Fault::kInternal;
    End(std::move(cause), ours ? alert::kInternalError : alert::kBadCertificate);
  }
  if (refusal) End(Incompatible(refusal->reason), refusal->alert);
}

const BotanIdentity* BotanBackend::ChooseIdentity(const CertificateRequest& request) {
  Result<const BotanIdentity*> identity = Internal("out of memory");
  try {
    identity = setup_.Choose(request);
  } catch (...) {
    identity = CurrentBotanException(false);
  }
  if (!identity.ok()) End(identity.status(), alert::kInternalError);
  return *identity;
}

// RFC 7301 §3.2: a server that shares none of the protocols ends the handshake.
std::string BotanBackend::ChooseProtocol(const std::vector<std::string>& offered) {
  const std::vector<std::string>& ours = setup_.config.alpn;
  if (ours.empty()) return "";
  for (const std::string& protocol : ours) {
    if (std::ranges::count(offered, protocol) > 0) return protocol;
  }
  End(Incompatible("TLS: the client offers none of our application protocols"),
      alert::kNoApplicationProtocol);
}

Bytes BotanBackend::Sign(const Signer& signer, std::uint16_t scheme,
                         std::span<const std::uint8_t> message) {
  Result<Bytes> signature = Internal("out of memory");
  try {
    signature = signer(scheme, message);
  } catch (...) {
    signature = CurrentBotanException(false);
  }
  if (!signature.ok()) End(signature.status(), alert::kInternalError);
  return *std::move(signature);
}

// End makes `cause` the call's result, and Botan end the handshake with `alert`.
void BotanBackend::End(Status cause, std::uint8_t alert) {
  if (cause_.ok()) cause_ = std::move(cause);
  channel_.ThrowAlert(alert, cause_.message());
}

}  // namespace detach
