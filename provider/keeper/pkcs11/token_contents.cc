#include "provider/keeper/pkcs11/token_contents.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "program/crypto/key_store.h"

namespace detach {
namespace {

// To pkcs11-provider it is an error when there is none.
void AddKeys(const Pkcs11Uri& uri, const Token& token, const std::string& place,
             OSSL_LIB_CTX* library, KeyStore& store, std::vector<std::string>& notices) {
  const bool whole = AddUriContents(uri.KeysOn(token.info), library, place, store);
  const std::string reason = TakeCryptoError();
  if (store.keys.empty()) {
    const char* what = uri.SelectsObjects() ? ": has no such private key" : ": has no private key";
    AddNotice(place + what + reason, notices);
  } else if (!whole) {
    AddNotice(place + ": cannot be read to its end" + reason, notices);
  }
}

// A person who misses an identity finds its certificate named.
void AddCertificatesWithoutKeys(const KeyStore& store, std::vector<std::string>& notices) {
  for (const StoredCertificate& stored : store.certificates) {
    X509* certificate = stored.certificate.get();
    const bool used = std::any_of(store.keys.begin(), store.keys.end(), [&](const StoredKey& key) {
      return Belongs(certificate, key.key.get());
    });
    if (used || X509_check_ca(certificate) != 0) continue;
    AddNotice(stored.place + ": the certificate of " +
                  NameText(X509_get_subject_name(certificate)) +
                  " is not used: its private key is not there",
              notices);
  }
}

// RFC 9846 §4.3.2: with TLS 1.3 RSA keys sign by RSA-PSS, which not every token can.
bool SignsPss(const EVP_PKEY* key, const Pkcs11Module& module, const Token& token) {
  return EVP_PKEY_is_a(key, "RSA") != 1 || module.Signs(token, CKM_RSA_PKCS_PSS) ||
         module.Signs(token, CKM_SHA256_RSA_PKCS_PSS);
}

// pkcs11-provider lists a key once more where it has it in its cache.
bool IsThere(const KeyAndChain& identity, const std::vector<KeyAndChain>& identities) {
  return std::any_of(identities.begin(), identities.end(),
                     [&](const KeyAndChain& other) { return other.key_id == identity.key_id; });
}

}  // namespace

void AddNotice(std::string notice, std::vector<std::string>& notices) {
  if (std::find(notices.begin(), notices.end(), notice) == notices.end()) {
    notices.push_back(std::move(notice));
  }
}

void AddToken(const Pkcs11Uri& uri, const Token& token, const std::string& place,
              const Pkcs11Module& module, const std::shared_ptr<OSSL_LIB_CTX>& library,
              FoundIdentities& found) {
  KeyStore store;
  AddKeys(uri, token, place, library.get(), store, found.notices);
  // What is missing among these is said of the key that needs it.
  AddUriContents(Pkcs11Uri::CertificatesOn(token.info), library.get(), place, store);
  if (!uri.SelectsObjects()) AddCertificatesWithoutKeys(store, found.notices);
  SortByAge(store.certificates);
  for (StoredKey& key : store.keys) {
    const bool signs_pss = SignsPss(key.key.get(), module, token);
    Result<KeyAndChain> identity = AssembleIdentity(std::move(key), store.certificates);
    if (!identity.ok()) {
      AddNotice(place + ": " + identity.status().message(), found.notices);
    } else if (!IsThere(*identity, found.identities)) {
      identity->library = library;
      identity->signs_pss = signs_pss;
      found.identities.push_back(*std::move(identity));
      if (!signs_pss) {
        AddNotice(place + ": cannot sign by RSA-PSS, and so not for TLS 1.3 by its RSA keys",
                  found.notices);
      }
    }
  }
}

}  // namespace detach
