#include "tests/bio/socket/stock_libssl.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "tests/bio/socket/socket_pair.h"

namespace detach {

SslContext StockContext(const SSL_METHOD* method, TlsVersion version) {
  SslContext context(SSL_CTX_new(method), &SSL_CTX_free);
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), static_cast<int>(version)), 1);
  EXPECT_EQ(SSL_CTX_set_max_proto_version(context.get(), static_cast<int>(version)), 1);
  return context;
}

SslContext StockServerContext(TlsVersion version) {
  SslContext context = StockContext(TLS_server_method(), version);
  const TestCertificate& server = Pki().server;
  EXPECT_EQ(SSL_CTX_use_certificate_ASN1(context.get(), static_cast<int>(server.leaf().size()),
                                         server.leaf().data()),
            1);
  const std::uint8_t* key = server.key.data();
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pkey(
      d2i_AutoPrivateKey(nullptr, &key, static_cast<long>(server.key.size())), &EVP_PKEY_free);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), pkey.get()), 1);
  return context;
}

}  // namespace detach
