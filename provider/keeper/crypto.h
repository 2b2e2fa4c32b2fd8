// libcrypto's objects with owners.
#ifndef DETACH_PROVIDER_KEEPER_CRYPTO_H_
#define DETACH_PROVIDER_KEEPER_CRYPTO_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/frame.h"

namespace detach {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;

// TakeCryptoError empties this thread's queue of libcrypto errors and returns its last reason as
// " (REASON)", to be put behind a message; nothing if libcrypto gave none.
std::string TakeCryptoError();

// CertificateKeyId returns the KeyId of `certificate`'s public key. kInternal where libcrypto
// fails.
Result<KeyId> CertificateKeyId(const X509* certificate);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CRYPTO_H_
