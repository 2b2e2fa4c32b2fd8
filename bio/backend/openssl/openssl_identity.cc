#include "bio/backend/openssl/openssl_identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/store.h>

#include <string>
#include <utility>

#include "bio/backend/openssl/openssl_error.h"

namespace detach {
namespace {

template <typename T, T* (*kParse)(T**, const unsigned char**, long)>
Result<OpenSslPtr<T>> ParseDer(std::span<const std::uint8_t> der, const char* what) {
  ERR_clear_error();
  const unsigned char* at = der.data();
  OpenSslPtr<T> parsed(kParse(nullptr, &at, static_cast<long>(der.size())));
  if (!parsed || at != der.data() + der.size()) {
    return Incompatible(std::string("this is no DER of a ") + what + ": " + OpenSslReason());
  }
  return parsed;
}

Result<OpenSslPtr<EVP_PKEY>> KeyFromPkcs8(const Bytes& der) {
  ERR_clear_error();
  const unsigned char* at = der.data();
  OpenSslPtr<EVP_PKEY> key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  if (!key) return Incompatible("private key: this is no PKCS#8: " + OpenSslReason());
  return key;
}

struct StoreClose {
  void operator()(OSSL_STORE_CTX* store) const noexcept { OSSL_STORE_close(store); }
};

// OpenSSL tries a URI as the path of a file first, and complains; the last word is the provider's.
std::string NewestReason() {
  const char* details = "";
  const unsigned long error = ERR_peek_last_error_data(&details, nullptr);
  const char* reason = ERR_reason_error_string(error);
  const std::string text = reason != nullptr ? reason : "no reason given";
  return details != nullptr && *details != '\0' ? text + " (" + details + ")" : text;
}

Result<OpenSslPtr<EVP_PKEY>> KeyFromStore(const std::string& uri) {
  ERR_clear_error();
  const std::unique_ptr<OSSL_STORE_CTX, StoreClose> store(
      OSSL_STORE_open(uri.c_str(), nullptr, nullptr, nullptr, nullptr));
  if (!store) return Incompatible("private key: cannot open " + uri + ": " + NewestReason());
  // Not every provider honours the expectation; it only saves work.
  OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY);
  while (OSSL_STORE_eof(store.get()) == 0 && OSSL_STORE_error(store.get()) == 0) {
    OSSL_STORE_INFO* info = OSSL_STORE_load(store.get());
    if (info == nullptr) continue;
    EVP_PKEY* key = OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY
                        ? OSSL_STORE_INFO_get1_PKEY(info)
                        : nullptr;
    OSSL_STORE_INFO_free(info);
    if (key != nullptr) return OpenSslPtr<EVP_PKEY>(key);
  }
  return Incompatible("private key: there is none in " + uri + ": " + OpenSslReason());
}

Result<OpenSslPtr<EVP_PKEY>> LoadKey(const Identity& identity) {
  if (const auto* pkcs8 = std::get_if<Pkcs8Key>(&identity.key)) return KeyFromPkcs8(pkcs8->der);
  if (const auto* store = std::get_if<StoreUri>(&identity.key)) return KeyFromStore(store->uri);
  return Incompatible(
      "the OpenSSL backend takes no Signer: give a key that is elsewhere as the URI of a provider");
}

// A stack of the intermediates that borrows them.
struct StackFree {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using Intermediates = std::unique_ptr<STACK_OF(X509), StackFree>;

Intermediates Borrow(const std::vector<OpenSslPtr<X509>>& chain) {
  Intermediates stack(sk_X509_new_null());
  for (std::size_t i = 1; stack && i < chain.size(); ++i) {
    if (sk_X509_push(stack.get(), chain[i].get()) == 0) stack.reset();
  }
  return stack;
}

}  // namespace

Result<OpenSslPtr<X509>> DecodeCertificate(std::span<const std::uint8_t> der) {
  return ParseDer<X509, d2i_X509>(der, "certificate");
}

Result<OpenSslPtr<X509_CRL>> DecodeCrl(std::span<const std::uint8_t> der) {
  return ParseDer<X509_CRL, d2i_X509_CRL>(der, "CRL");
}

Result<OpenSslIdentity> OpenSslIdentity::Parse(const Identity& identity) {
  if (identity.chain.empty()) return Misuse("identity: the certificate chain is empty");
  OpenSslIdentity parsed;
  for (const Bytes& der : identity.chain) {
    Result<OpenSslPtr<X509>> certificate = DecodeCertificate(der);
    if (!certificate.ok()) return certificate.status();
    parsed.chain_.push_back(*std::move(certificate));
  }
  Result<OpenSslPtr<EVP_PKEY>> key = LoadKey(identity);
  if (!key.ok()) return key.status();
  parsed.key_ = *std::move(key);
  if (X509_check_private_key(parsed.chain_[0].get(), parsed.key_.get()) != 1) {
    return Incompatible("identity: the private key is not the one of the first certificate");
  }
  return parsed;
}

Status OpenSslIdentity::UseIn(SSL_CTX* context) const {
  ERR_clear_error();
  const Intermediates rest = Borrow(chain_);
  if (!rest || SSL_CTX_use_cert_and_key(context, chain_[0].get(), key_.get(), rest.get(), 1) != 1) {
    return Incompatible("identity: OpenSSL does not take it: " + OpenSslReason());
  }
  return {};
}

Status OpenSslIdentity::UseIn(SSL* ssl) const {
  const Intermediates rest = Borrow(chain_);
  if (!rest || SSL_use_cert_and_key(ssl, chain_[0].get(), key_.get(), rest.get(), 1) != 1) {
    return Incompatible("identity: OpenSSL does not take it: " + OpenSslReason());
  }
  return {};
}

}  // namespace detach
