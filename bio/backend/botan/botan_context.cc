#include "bio/backend/botan/botan_context.h"

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "bio/backend/botan/botan_backend.h"
#include "bio/backend/botan/botan_error.h"
#include "bio/backend/botan/botan_policy.h"

namespace detach {
namespace {

// A server remembers so many sessions, each with the client's chain; a client the newest only.
constexpr std::size_t kMaxSessions = 4096;

std::size_t SessionsOf(const TlsConfig& config) {
  if (!config.resumption) return 0;
  return config.role == Role::kServer ? kMaxSessions : 1;
}

}  // namespace

class BotanSetup::Parsed {
 public:
  Result<const BotanIdentity*> Get(const std::shared_ptr<const Identity>& identity) {
    const std::lock_guard lock(mutex_);
    if (const auto found = parsed_.find(identity); found != parsed_.end()) return &found->second;
    Result<BotanIdentity> fresh = ParseBotanIdentity(*identity);
    if (!fresh.ok()) return fresh.status();
    return &parsed_.emplace(identity, *std::move(fresh)).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::shared_ptr<const Identity>, BotanIdentity> parsed_;
};

BotanSetup::BotanSetup(const TlsConfig& configuration)
    : config(configuration),
      policy(std::make_shared<BotanPolicy>(config)),
      sessions(SessionsOf(config)),
      parsed_(std::make_unique<Parsed>()) {}

BotanSetup::~BotanSetup() = default;

Status BotanSetup::Init() {
  if (Status status = CheckVersions(); !status.ok()) return status;
  if (config.role == Role::kServer && !config.identity) {
    return Misuse("a TLS server needs an identity");
  }
  const bool chooses = config.role == Role::kClient && config.choose_identity;
  if (config.identity && !chooses) {
    Result<BotanIdentity> identity = ParseBotanIdentity(*config.identity);
    if (!identity.ok()) return identity.status();
    identity_ = *std::move(identity);
  }
  if (Status status = trust.Load(); !status.ok()) return status;
  return CheckProtocols();
}

Status BotanSetup::CheckVersions() const {
  if (config.min_version > config.max_version) return Misuse("TLS: min_version > max_version");
  if (config.min_version == TlsVersion::kTls13 && !kBotanHasTls13) {
    return Incompatible("TLS 1.3 needs Botan 3; this is Botan " +
                        std::string(Botan::short_version_cstr()) +
                        ": allow TLS 1.2, or take the OpenSSL backend");
  }
  return {};
}

Status BotanSetup::CheckProtocols() const {
  for (const std::string& name : config.alpn) {
    if (name.empty() || name.size() > 255) return Misuse("ALPN: a name has 1 to 255 bytes");
  }
  return {};
}

Result<const BotanIdentity*> BotanSetup::Choose(const CertificateRequest& request) {
  if (config.role == Role::kServer || !config.choose_identity) {
    return identity_ ? &*identity_ : nullptr;
  }
  const std::shared_ptr<const Identity> chosen = config.choose_identity(request);
  if (!chosen) return nullptr;
  return parsed_->Get(chosen);
}

namespace {

class BotanContext final : public TlsContext {
 public:
  explicit BotanContext(const TlsConfig& config) : setup_(config) {}

  Status Init() { return setup_.Init(); }

  Result<std::unique_ptr<TlsBackend>> NewBackend() noexcept override try {
    return std::unique_ptr<TlsBackend>(std::make_unique<BotanBackend>(setup_));
  } catch (...) {
    return CurrentBotanException(false);
  }

 private:
  BotanSetup setup_;
};

}  // namespace

Result<std::unique_ptr<TlsContext>> NewBotanContext(const TlsConfig& config) {
  auto context = std::make_unique<BotanContext>(config);
  if (Status status = context->Init(); !status.ok()) return status;
  return std::unique_ptr<TlsContext>(std::move(context));
}

bool BotanHasTls13() noexcept { return kBotanHasTls13; }

}  // namespace detach
