// A Botan backend's context from a TlsConfig.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_CONTEXT_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_CONTEXT_H_

#include <memory>

#include "bio/backend/tls_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// NewBotanContext makes the context for `config`. kMisuse where the configuration contradicts
// itself, kIncompatible where this Botan cannot serve it (2.19: min_version 1.3; any: a store URI,
// an Ed25519 key, a trust anchor that is not self-signed) or a certificate, key or CRL in it cannot
// be used: the message names which.
Result<std::unique_ptr<TlsContext>> NewBotanContext(const TlsConfig& config);

// BotanHasTls13 says whether the Botan that this was compiled against speaks TLS 1.3 (3.x does).
bool BotanHasTls13() noexcept;

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_CONTEXT_H_
