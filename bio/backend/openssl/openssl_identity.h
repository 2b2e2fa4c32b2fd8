// An Identity in the form that libssl uses.
#ifndef DETACH_BIO_BACKEND_OPENSSL_OPENSSL_IDENTITY_H_
#define DETACH_BIO_BACKEND_OPENSSL_OPENSSL_IDENTITY_H_

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <span>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

struct OpenSslFree {
  void operator()(X509* object) const noexcept { X509_free(object); }
  void operator()(X509_CRL* object) const noexcept { X509_CRL_free(object); }
  void operator()(EVP_PKEY* object) const noexcept { EVP_PKEY_free(object); }
  void operator()(SSL_CTX* object) const noexcept { SSL_CTX_free(object); }
  void operator()(SSL_SESSION* object) const noexcept { SSL_SESSION_free(object); }
};
template <typename T>
using OpenSslPtr = std::unique_ptr<T, OpenSslFree>;

// DecodeCertificate returns the certificate whose DER is exactly `der`; kIncompatible otherwise.
Result<OpenSslPtr<X509>> DecodeCertificate(std::span<const std::uint8_t> der);

// DecodeCrl returns the CRL whose DER is exactly `der`; kIncompatible otherwise.
Result<OpenSslPtr<X509_CRL>> DecodeCrl(std::span<const std::uint8_t> der);

// OpenSslIdentity is a parsed chain and its key, ready for any number of connections.
class OpenSslIdentity {
 public:
  // Parse takes a key as PKCS#8 or as a store URI, and checks that it is the leaf's.
  static Result<OpenSslIdentity> Parse(const Identity& identity);

  // UseIn makes this the identity of a context or a connection.
  Status UseIn(SSL_CTX* context) const;
  Status UseIn(SSL* ssl) const;

 private:
  std::vector<OpenSslPtr<X509>> chain_;  // the leaf first, at least 1
  OpenSslPtr<EVP_PKEY> key_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_OPENSSL_OPENSSL_IDENTITY_H_
