// libssl as any program has it, for the other end: nothing of this library is in it.
#ifndef DETACH_TESTS_BIO_SOCKET_STOCK_LIBSSL_H_
#define DETACH_TESTS_BIO_SOCKET_STOCK_LIBSSL_H_

#include <openssl/ssl.h>

#include <memory>

#include "bio/backend/tls_config.h"

namespace detach {

using SslContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

// StockContext makes a context of `method` for one version.
SslContext StockContext(const SSL_METHOD* method, TlsVersion version);

// StockServerContext makes one with the server's certificate of Pki().
SslContext StockServerContext(TlsVersion version);

}  // namespace detach

#endif  // DETACH_TESTS_BIO_SOCKET_STOCK_LIBSSL_H_
