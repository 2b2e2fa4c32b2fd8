// The TLS backends of this build, by name.
#ifndef DETACH_BIO_BACKEND_BY_NAME_NAMED_BACKEND_H_
#define DETACH_BIO_BACKEND_BY_NAME_NAMED_BACKEND_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bio/backend/tls_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// NamedBackend is one that this build has: without --config=only-openssl or only-botan, both.
struct NamedBackend {
  std::string_view name;  // what configurations and flags say: "openssl", "botan"
  std::string stack;      // for a person: "Botan 2.19.3"
  TlsVersion max_version;
  bool takes_signer;  // for a key that is elsewhere; else it takes a StoreUri
  Result<std::unique_ptr<TlsContext>> (*new_context)(const TlsConfig& config);
};

// NamedBackends returns all of them, the default first; there is at least one.
std::span<const NamedBackend> NamedBackends();

// DescribeBackends returns their names and stacks, for a person: "openssl" (OpenSSL) and so on.
std::string DescribeBackends();

// FindBackend returns the backend of that name. kMisuse where this build has none: the message
// lists those that it has.
Result<NamedBackend> FindBackend(std::string_view name);

// NewTlsContext builds the context for `config` by the backend of that name, up to the highest
// version that both have. Errors as FindBackend's and the backend's own; kIncompatible where the
// backend does not reach config.min_version.
Result<std::unique_ptr<TlsContext>> NewTlsContext(std::string_view name, const TlsConfig& config);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BY_NAME_NAMED_BACKEND_H_
