// libcrypto's objects with owners, and the way between them and DER.
#ifndef DETACH_PROGRAM_CRYPTO_CRYPTO_TYPES_H_
#define DETACH_PROGRAM_CRYPTO_CRYPTO_TYPES_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
using CrlPtr = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using TrustStorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using NamePtr = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;

// MemoryBio returns a BIO that reads `bytes`, which must outlive it.
BioPtr MemoryBio(std::string_view bytes);

// ParseCertificate, ParseCrl and ParseName return null unless `der` is one whole object and nothing
// behind it.
X509Ptr ParseCertificate(std::span<const std::uint8_t> der);
CrlPtr ParseCrl(std::span<const std::uint8_t> der);
NamePtr ParseName(std::span<const std::uint8_t> der);

// SplitDer takes apart objects that stand one behind the other; DER says how long each is. Empty
// where the last is not whole. It looks into none, and leaves the thread's queue of errors alone.
std::vector<std::vector<std::uint8_t>> SplitDer(std::span<const std::uint8_t> der);

// CertificateDer returns `certificate` as DER; empty where libcrypto fails.
std::vector<std::uint8_t> CertificateDer(const X509* certificate);

// PublicKeyDer returns the SubjectPublicKeyInfo in `certificate`; empty where libcrypto fails.
std::vector<std::uint8_t> PublicKeyDer(const X509* certificate);

// PrivateKeyDer returns PKCS#8 PrivateKeyInfo; empty when the key cannot be exported.
std::vector<std::uint8_t> PrivateKeyDer(const EVP_PKEY* key);

// NameText returns `name` as one line of printable ASCII (RFC 2253, least significant part first).
std::string NameText(const X509_NAME* name);

// TakeCryptoError empties this thread's queue of libcrypto errors and returns its last reason as
// " (REASON)", to be put behind a message; nothing if libcrypto gave none.
std::string TakeCryptoError();

}  // namespace detach

#endif  // DETACH_PROGRAM_CRYPTO_CRYPTO_TYPES_H_
