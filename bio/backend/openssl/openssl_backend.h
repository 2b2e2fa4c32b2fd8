// The OpenSSL backend (3.0 and later): one connection.
#ifndef DETACH_BIO_BACKEND_OPENSSL_OPENSSL_BACKEND_H_
#define DETACH_BIO_BACKEND_OPENSSL_OPENSSL_BACKEND_H_

#include <openssl/types.h>

#include <memory>

#include "bio/backend/tls_backend.h"
#include "bio/status.h"

namespace detach {

// NewOpenSslBackend takes a program's own `ssl` (role set, no BIOs, handshake not begun) as the
// stack of one connection. Takes ownership of `ssl`, also on failure. kMisuse where CheckDetachable
// refuses it. On any later failure OpenSSL's error queue is left as OpenSSL filled it.
Result<std::unique_ptr<TlsBackend>> NewOpenSslBackend(SSL* ssl);

// CheckDetachable returns kMisuse where `ssl` has an option with which a detach would not be exact:
// SSL_OP_IGNORE_UNEXPECTED_EOF (a FIN would be a forged close_notify), read_ahead or pipelining
// (the leftover would be buried in libssl), kTLS (the kernel would own the records), quiet_shutdown
// (no close_notify would be sent). The message names it. Pipelining cannot be seen since
// OpenSSL 3.2; there the gate alone keeps it harmless: libssl is never given more than the record
// in progress.
Status CheckDetachable(const SSL* ssl);

// UnderlyingSsl returns the SSL of a backend made here; the backend keeps it.
SSL* UnderlyingSsl(const TlsBackend& backend);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_OPENSSL_OPENSSL_BACKEND_H_
