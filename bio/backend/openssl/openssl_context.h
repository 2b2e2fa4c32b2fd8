// SSL_CTX from a TlsConfig.
#ifndef DETACH_BIO_BACKEND_OPENSSL_OPENSSL_CONTEXT_H_
#define DETACH_BIO_BACKEND_OPENSSL_OPENSSL_CONTEXT_H_

#include <memory>

#include "bio/backend/tls_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// NewOpenSslContext builds the SSL_CTX for `config`. kMisuse where the configuration contradicts
// itself, kIncompatible where a certificate, key, CRL or URI in it cannot be used: the message
// names which.
Result<std::unique_ptr<TlsContext>> NewOpenSslContext(const TlsConfig& config);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_OPENSSL_OPENSSL_CONTEXT_H_
