#include "bio/backend/by_name/named_backend.h"

#include <algorithm>
#include <array>

#ifdef DETACH_HAS_OPENSSL_BACKEND
#include "bio/backend/openssl/openssl_context.h"
#endif
#ifdef DETACH_HAS_BOTAN_BACKEND
#include <botan/version.h>

#include "bio/backend/botan/botan_context.h"
#endif

namespace detach {

std::span<const NamedBackend> NamedBackends() {
  static const std::array backends = {
#ifdef DETACH_HAS_OPENSSL_BACKEND
      NamedBackend{"openssl", "OpenSSL", TlsVersion::kTls13, false, NewOpenSslContext},
#endif
#ifdef DETACH_HAS_BOTAN_BACKEND
      NamedBackend{"botan", "Botan " + Botan::short_version_string(),
                   BotanHasTls13() ? TlsVersion::kTls13 : TlsVersion::kTls12, true,
                   NewBotanContext},
#endif
  };
  return backends;
}

std::string DescribeBackends() {
  std::string list;
  for (const NamedBackend& backend : NamedBackends()) {
    if (!list.empty()) list += " and ";
    list.append("\"").append(backend.name).append("\" (").append(backend.stack).append(")");
  }
  return list;
}

Result<NamedBackend> FindBackend(std::string_view name) {
  const std::span<const NamedBackend> backends = NamedBackends();
  const auto found = std::ranges::find(backends, name, &NamedBackend::name);
  if (found != backends.end()) return *found;
  return Misuse("\"" + std::string(name) + "\" is no TLS backend of this build, which has " +
                DescribeBackends());
}

Result<std::unique_ptr<TlsContext>> NewTlsContext(std::string_view name, const TlsConfig& config) {
  const Result<NamedBackend> backend = FindBackend(name);
  if (!backend.ok()) return backend.status();
  if (backend->max_version < config.min_version) {
    return Incompatible(backend->stack + " has no TLS 1.3: allow TLS 1.2, or take another backend");
  }
  TlsConfig reachable = config;
  reachable.max_version = std::min(config.max_version, backend->max_version);
  return backend->new_context(reachable);
}

}  // namespace detach
