#include "provider/keeper/requests.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "provider/keeper/certificate_verify.h"
#include "provider/keeper/issuing/issuer.h"
#include "provider/keeper/log.h"
#include "provider/keeper/signature_scheme.h"
#include "provider/keeper/signing.h"
#include "provider/keeper/utc_time.h"

namespace detach {
namespace {

Frame Refuse(Refusal refusal) {
  return {.type = FrameType::kRefused, .argument = static_cast<std::uint16_t>(refusal)};
}

// Text returns as much of `text`, which is UTF-8, as a payload can hold.
std::vector<std::uint8_t> Text(std::string_view text) {
  const auto continues = [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
  };
  std::size_t size = std::min(text.size(), kMaxPayload);
  while (size < text.size() && size > 0 && continues(text[size])) --size;
  return {text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size)};
}

TlsRole RoleOf(Purpose purpose) {
  return purpose == Purpose::kTlsServer ? TlsRole::kServer : TlsRole::kClient;
}

std::optional<Refusal> OnlyOfTheIdentitysRole(const KeeperIdentity& identity,
                                              const Frame& request) {
  const std::optional<TlsRole> role = CertificateVerifyRole(request.payload);
  if (!role) return Refusal::kNoCertificateVerify;
  if (*role != RoleOf(identity.purpose)) return Refusal::kOtherRole;
  return std::nullopt;
}

bool TokenCan(const KeyAndChain& held, const SignatureScheme& scheme) {
  return scheme.padding != RsaPadding::kPss || held.signs_pss;
}

std::optional<Refusal> OnlyWhereItIsSwitchedOn(const KeeperIdentity& identity, const Frame&) {
  if (!identity.unsafe_tls12) return Refusal::kTls12Off;
  return std::nullopt;
}

Refusal RefusalOf(Fault fault) {
  if (fault == Fault::kViolation) return Refusal::kCertificateRequest;
  return fault == Fault::kIncompatible ? Refusal::kToken : Refusal::kFailed;
}

}  // namespace

struct Requests::Row {
  FrameType type;
  std::string_view name;
  Frame (Requests::*answer)(const Row&, const Frame&, Quota::TimePoint);
  // Of those that sign: when it is legal, which keys can do it, and how it is done.
  std::optional<Refusal> (*illegal)(const KeeperIdentity&, const Frame&);
  bool (*fits)(const EVP_PKEY*, const SignatureScheme&) noexcept;
  Result<std::vector<std::uint8_t>> (*sign)(const KeyAndChain&, const SignatureScheme&,
                                            std::span<const std::uint8_t>);
};

// clang-format off
const Requests::Row Requests::kLegal[] = {
    {FrameType::kListIdentity, "list_identity", &Requests::List, nullptr, nullptr, nullptr},
    {FrameType::kGetChain, "get_chain", &Requests::Chain, nullptr, nullptr, nullptr},
    {FrameType::kSignCertificateVerify, "sign_certificate_verify", &Requests::Sign,
     OnlyOfTheIdentitysRole, KeyFitsTls13, SignMessage},
    {FrameType::kSignTls12Digest, "sign_tls12_digest", &Requests::Sign,
     OnlyWhereItIsSwitchedOn, KeyFitsTls12, SignDigest},
    {FrameType::kIssue, "issue", &Requests::Issue, nullptr, nullptr, nullptr},
    {FrameType::kListNotice, "list_notice", &Requests::Notice, nullptr, nullptr, nullptr},
};
// clang-format on

Requests::Requests(std::vector<KeeperIdentity> identities, std::unique_ptr<Databases> databases)
    : fixed_(Hold(std::move(identities))),
      databases_(std::move(databases)),
      holdings_(std::make_shared<const Holdings>(fixed_)) {
  if (databases_ == nullptr) return;
  last_look_ = std::chrono::steady_clock::now();
  Look();
}

void Requests::Look() {
  auto holdings = std::make_shared<const Holdings>(databases_->Look(fixed_, *Now()));
  const std::lock_guard lock(mutex_);
  holdings_ = std::move(holdings);
}

void Requests::LookAgain(Quota::TimePoint now) {
  constexpr std::chrono::seconds kPatience{1};
  if (databases_ == nullptr) return;
  std::unique_lock lock(looks_);
  looked_.wait_until(lock, look_began_ + kPatience, [this] { return !is_looking_; });
  if (is_looking_ || now - last_look_ < std::chrono::seconds(1)) return;
  is_looking_ = true;
  last_look_ = now;
  look_began_ = std::chrono::steady_clock::now();
  lock.unlock();
  Look();
  lock.lock();
  is_looking_ = false;
  looked_.notify_all();
}

std::string_view Requests::Name(FrameType type) noexcept {
  const Row* row = Find(type);
  return row != nullptr ? row->name : "none";
}

Result<Frame> Requests::Answer(const Frame& request, Quota::TimePoint now) {
  const Row* row = Find(request.type);
  if (row == nullptr) return Violation("keeper protocol: a reply where a request belongs");
  return (this->*row->answer)(*row, request, now);
}

const Requests::Row* Requests::Find(FrameType type) {
  const Row* row = std::find_if(std::begin(kLegal), std::end(kLegal),
                                [&](const Row& legal) { return legal.type == type; });
  return row != std::end(kLegal) ? row : nullptr;
}

std::shared_ptr<const Holdings> Requests::Now() const {
  const std::lock_guard lock(mutex_);
  return holdings_;
}

// Who begins to list gets what is there now.
Frame Requests::List(const Row&, const Frame& request, Quota::TimePoint time) {
  if (request.argument == 0) LookAgain(time);
  const std::shared_ptr<const Holdings> now = Now();
  if (request.argument >= now->identities.size()) return Refuse(Refusal::kUnknownIdentity);
  const KeeperIdentity& identity = now->identities[request.argument]->identity;
  return {.type = FrameType::kIdentity,
          .argument = static_cast<std::uint16_t>(identity.purpose),
          .position = static_cast<std::uint32_t>(now->identities.size()),
          .name = identity.name,
          .key = identity.content.key_id,
          .payload = Text(identity.content.location)};
}

Frame Requests::Notice(const Row&, const Frame& request, Quota::TimePoint time) {
  if (request.argument == 0) LookAgain(time);
  const std::shared_ptr<const Holdings> now = Now();
  Frame reply = {.type = FrameType::kNotice,
                 .position = static_cast<std::uint32_t>(now->notices.size())};
  if (request.argument < now->notices.size()) reply.payload = Text(now->notices[request.argument]);
  return reply;
}

Frame Requests::Chain(const Row&, const Frame& request, Quota::TimePoint) {
  const std::shared_ptr<const HeldIdentity> held = FindIn(*Now(), request.name);
  if (held == nullptr) return Refuse(Refusal::kUnknownIdentity);
  const std::vector<std::uint8_t>& chain = held->identity.content.chain;
  if (request.position >= chain.size()) return Refuse(Refusal::kPositionBeyondChain);
  const auto wanted = std::span(chain).subspan(request.position);
  const auto piece = wanted.first(std::min(wanted.size(), kMaxPayload));
  return {.type = FrameType::kChain,
          .position = static_cast<std::uint32_t>(chain.size()),
          .name = request.name,
          .payload = {piece.begin(), piece.end()}};
}

Frame Requests::Sign(const Row& row, const Frame& request, Quota::TimePoint now) {
  const std::shared_ptr<HeldIdentity> held = FindIn(*Now(), request.name);
  if (held == nullptr) return Refuse(Refusal::kUnknownIdentity);
  const KeeperIdentity& identity = held->identity;
  if (identity.purpose == Purpose::kIssuing) return Refuse(Refusal::kOtherPurpose);
  if (const auto refusal = row.illegal(identity, request)) return Refuse(*refusal);
  if (request.key != identity.content.key_id) return Refuse(Refusal::kOtherKey);
  const SignatureScheme* scheme = FindSignatureScheme(request.argument);
  if (scheme == nullptr || !row.fits(identity.content.key.get(), *scheme) ||
      !TokenCan(identity.content, *scheme)) {
    return Refuse(Refusal::kUnfitScheme);
  }
  if (!held->quota.Take(now)) return Refuse(Refusal::kQuota);
  Result<std::vector<std::uint8_t>> signature =
      row.sign(identity.content, *scheme, request.payload);
  if (!signature.ok()) {
    LogEvent("error", "signing_failed",
             {{"identity", identity.name}, {"reason", signature.status().message()}});
    return Refuse(Refusal::kFailed);
  }
  return {.type = FrameType::kSignature, .name = request.name, .payload = *std::move(signature)};
}

// Who asks learns the least of why not: the log knows more.
Frame Requests::Issue(const Row&, const Frame& request, Quota::TimePoint now) {
  const std::shared_ptr<HeldIdentity> held = FindIn(*Now(), request.name);
  if (held == nullptr) return Refuse(Refusal::kUnknownIdentity);
  const KeeperIdentity& identity = held->identity;
  if (identity.purpose != Purpose::kIssuing) return Refuse(Refusal::kOtherPurpose);
  if (!held->quota.Take(now)) return Refuse(Refusal::kQuota);
  const std::span payload(request.payload);
  if (request.argument > payload.size()) return Refuse(Refusal::kToken);
  Result<IssuedCertificate> issued =
      identity.issuer->Issue(payload.first(request.argument), payload.subspan(request.argument),
                             std::chrono::system_clock::now());
  if (!issued.ok()) {
    LogEvent("warning", "not_issued",
             {{"identity", identity.name}, {"reason", issued.status().message()}});
    return Refuse(RefusalOf(issued.status().fault()));
  }
  LogEvent("info", "issued",
           {{"identity", identity.name},
            {"name", issued->name},
            {"serial", issued->serial},
            {"key_sha256", issued->key_sha256},
            {"not_after", UtcText(issued->not_after)}});
  return {.type = FrameType::kIssued, .name = request.name, .payload = std::move(issued->der)};
}

}  // namespace detach
