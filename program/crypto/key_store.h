// Certificates and private keys as an OSSL_STORE gives them, and how they belong together.
#ifndef DETACH_PROGRAM_CRYPTO_KEY_STORE_H_
#define DETACH_PROGRAM_CRYPTO_KEY_STORE_H_

#include <openssl/store.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "program/crypto/crypto_types.h"

namespace detach {

struct StoredKey {
  PkeyPtr key;
  std::string place;  // where it came from: a path, or what else a person knows it by
};

struct StoredCertificate {
  X509Ptr certificate;
  std::string place;  // likewise
};

struct KeyStore {
  std::vector<StoredCertificate> certificates;
  std::vector<StoredKey> keys;
};

// Passphrase stands where OpenSSL would ask on the terminal.
struct Passphrase {
  std::string_view text;  // empty: there is none
  bool was_asked = false;
};

// AddObjects adds to `store` what `context` gives. False: an error, which is left in libcrypto's
// queue, came before the end.
bool AddObjects(OSSL_STORE_CTX* context, const std::string& place, KeyStore& store);

// AddFileContents does so with `bytes`: PEM, DER or PKCS#12.
bool AddFileContents(std::string_view bytes, const std::string& place, Passphrase& passphrase,
                     KeyStore& store);

// AddUriContents does so with what `uri` leads to by the stores of `library`. Nobody is asked for a
// passphrase or a PIN.
bool AddUriContents(const std::string& uri, OSSL_LIB_CTX* library, const std::string& place,
                    KeyStore& store);

// SortByAge puts the newest certificates first, so that what is looked for is found there first; of
// the same age, by their bytes: which one is taken is never for the names of files to say.
void SortByAge(std::vector<StoredCertificate>& certificates);

// Belongs tells whether `certificate` is one of `key`.
bool Belongs(const X509* certificate, EVP_PKEY* key);

// FirstCertificateOf returns the first of `certificates` that belongs to `key`, or null.
X509* FirstCertificateOf(EVP_PKEY* key, const std::vector<StoredCertificate>& certificates);

// ChainFrom returns `leaf` and those above it among `certificates`, as DER, eight at most. Not the
// root: whoever verifies has it.
std::vector<std::vector<std::uint8_t>> ChainFrom(
    X509* leaf, const std::vector<StoredCertificate>& certificates);

}  // namespace detach

#endif  // DETACH_PROGRAM_CRYPTO_KEY_STORE_H_
