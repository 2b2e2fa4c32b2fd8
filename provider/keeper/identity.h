// An identity as the keeper holds it, and how it is read.
#ifndef DETACH_PROVIDER_KEEPER_IDENTITY_H_
#define DETACH_PROVIDER_KEEPER_IDENTITY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bio/status.h"
#include "program/crypto/crypto_types.h"
#include "program/crypto/key_store.h"
#include "provider/keeper/frame.h"

namespace detach {

class Issuer;

// KeyAndChain is what a store holds of one identity.
struct KeyAndChain {
  // Of the key, for a person: one line of UTF-8, which begins with the scheme of the URI by which
  // it was found; of a file it is such a URI.
  std::string location;
  std::shared_ptr<OSSL_LIB_CTX> library;  // that the key belongs to; null: the default one
  PkeyPtr key;
  bool signs_pss = true;  // of an RSA key: in a token it may not
  KeyId key_id = {};
  std::vector<std::uint8_t> chain;  // DER, one certificate behind the other, the key's own first
};

// KeeperIdentity is one identity, and what it may be used for.
struct KeeperIdentity {
  std::string name;
  Purpose purpose = Purpose::kTlsServer;
  // It also signs digests for TLS 1.2, and nobody can see what a digest is of: whoever is let in
  // can have anything signed by it, a certificate among others.
  bool unsafe_tls12 = false;
  int signatures_per_second = 0;
  KeyAndChain content;
  std::shared_ptr<Issuer> issuer;  // of Purpose::kIssuing, and of no other
};

// OwnCertificate returns the certificate of the key of `identity`; null where libcrypto fails.
X509Ptr OwnCertificate(const KeyAndChain& identity);

// AssembleIdentity makes an identity of `key`, the first of `certificates` that belongs to it, and
// those above. kMisuse, to be put behind the place of the key, where there is none.
Result<KeyAndChain> AssembleIdentity(StoredKey key,
                                     const std::vector<StoredCertificate>& certificates);

// LoadKeyAndChain reads what is at `uri`, "file:" and an absolute path: PEM, DER or PKCS#12, with
// one private key and its certificate, and those of the CAs above, in any order. `passphrase` opens
// what is encrypted; empty: nothing is. kMisuse, beginning with the URI, where the file may be
// written or read by others, cannot be opened, or is not such an identity.
Result<KeyAndChain> LoadKeyAndChain(const std::string& uri, const std::string& passphrase);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_IDENTITY_H_
