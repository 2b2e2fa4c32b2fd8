#include "program/crypto/key_store.h"

#include <openssl/err.h>
#include <openssl/ui.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

namespace detach {
namespace {

constexpr std::size_t kMaxChain = 8;

using StorePtr = std::unique_ptr<OSSL_STORE_CTX, FreeWith<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, FreeWith<OSSL_STORE_INFO_free>>;
using UiMethodPtr = std::unique_ptr<UI_METHOD, FreeWith<UI_destroy_method>>;

int GivePassphrase(char* buffer, int size, int, void* argument) {
  auto* passphrase = static_cast<Passphrase*>(argument);
  passphrase->was_asked = true;
  const std::string_view text = passphrase->text;
  if (text.empty() || std::cmp_greater(text.size(), size)) return -1;
  std::copy(text.begin(), text.end(), buffer);
  return static_cast<int>(text.size());
}

void Add(OSSL_STORE_INFO* info, const std::string& place, KeyStore& store) {
  if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_CERT) {
    store.certificates.push_back({X509Ptr(OSSL_STORE_INFO_get1_CERT(info)), place});
  } else if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
    store.keys.push_back({PkeyPtr(OSSL_STORE_INFO_get1_PKEY(info)), place});
  }
}

bool Issued(X509* issuer, X509* subject) { return X509_check_issued(issuer, subject) == X509_V_OK; }

// NextIssuer returns null at a root, whether its certificate is there or not.
X509* NextIssuer(X509* subject, const std::vector<StoredCertificate>& certificates) {
  for (const StoredCertificate& stored : certificates) {
    X509* const issuer = stored.certificate.get();
    if (!Issued(issuer, issuer) && Issued(issuer, subject)) return issuer;
  }
  return nullptr;
}

}  // namespace

// A null from OSSL_STORE_load is neither end nor error; the bound is for a loader that reports
// nothing for ever.
bool AddObjects(OSSL_STORE_CTX* context, const std::string& place, KeyStore& store) {
  constexpr int kMaxObjects = 10000;
  for (int i = 0; i < kMaxObjects && OSSL_STORE_eof(context) == 0; ++i) {
    const StoreInfoPtr info(OSSL_STORE_load(context));
    if (info != nullptr) {
      Add(info.get(), place, store);
    } else if (OSSL_STORE_error(context) != 0) {
      return false;
    }
  }
  ERR_clear_error();
  return true;
}

bool AddFileContents(std::string_view bytes, const std::string& place, Passphrase& passphrase,
                     KeyStore& store) {
  const BioPtr in = MemoryBio(bytes);
  const UiMethodPtr ui(UI_UTIL_wrap_read_pem_callback(GivePassphrase, 0));
  ERR_clear_error();
  const StorePtr context(OSSL_STORE_attach(in.get(), "file", nullptr, nullptr, ui.get(),
                                           &passphrase, nullptr, nullptr, nullptr));
  return context != nullptr && AddObjects(context.get(), place, store);
}

bool AddUriContents(const std::string& uri, OSSL_LIB_CTX* library, const std::string& place,
                    KeyStore& store) {
  Passphrase none;
  const UiMethodPtr ui(UI_UTIL_wrap_read_pem_callback(GivePassphrase, 0));
  ERR_clear_error();
  const StorePtr context(OSSL_STORE_open_ex(uri.c_str(), library, nullptr, ui.get(), &none, nullptr,
                                            nullptr, nullptr));
  return context != nullptr && AddObjects(context.get(), place, store);
}

void SortByAge(std::vector<StoredCertificate>& certificates) {
  std::stable_sort(certificates.begin(), certificates.end(), [](const auto& a, const auto& b) {
    const X509* x = a.certificate.get();
    const X509* y = b.certificate.get();
    const int age = ASN1_TIME_compare(X509_get0_notBefore(x), X509_get0_notBefore(y));
    return age != 0 ? age > 0 : X509_cmp(x, y) < 0;
  });
}

bool Belongs(const X509* certificate, EVP_PKEY* key) {
  const bool belongs = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return belongs;
}

X509* FirstCertificateOf(EVP_PKEY* key, const std::vector<StoredCertificate>& certificates) {
  const auto first = std::find_if(
      certificates.begin(), certificates.end(),
      [&](const StoredCertificate& stored) { return Belongs(stored.certificate.get(), key); });
  return first != certificates.end() ? first->certificate.get() : nullptr;
}

std::vector<std::vector<std::uint8_t>> ChainFrom(
    X509* leaf, const std::vector<StoredCertificate>& certificates) {
  std::vector<std::vector<std::uint8_t>> chain;
  for (X509* next = leaf; next != nullptr && chain.size() < kMaxChain;
       next = NextIssuer(next, certificates)) {
    chain.push_back(CertificateDer(next));
  }
  return chain;
}

}  // namespace detach
