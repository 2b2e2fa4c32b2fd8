// The certificates and private keys of a file, whatever its format.
#ifndef DETACH_PROXIES_IDENTITY_KEY_STORE_H_
#define DETACH_PROXIES_IDENTITY_KEY_STORE_H_

#include <string>
#include <vector>

#include "bio/status.h"
#include "proxies/identity/crypto_types.h"

namespace detach {

struct StoredKey {
  PkeyPtr key;
  std::string path;  // the file that it came from
};

struct StoredCertificate {
  X509Ptr certificate;
  std::string path;  // likewise
};

struct KeyStore {
  std::vector<StoredCertificate> certificates;
  std::vector<StoredKey> keys;
};

// AddFile adds to `store` what the file at `path` holds: PEM, DER, or PKCS#12 without a passphrase.
// A file with neither certificate nor key is an error, and so is an encrypted one. Errors begin
// with the path; what was read before the error stays in `store`.
Status AddFile(const std::string& path, KeyStore& store);

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_KEY_STORE_H_
