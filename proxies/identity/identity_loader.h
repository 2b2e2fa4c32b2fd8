// Loading identities from OSSL_STORE URIs of the scheme file:.
#ifndef DETACH_PROXIES_IDENTITY_IDENTITY_LOADER_H_
#define DETACH_PROXIES_IDENTITY_IDENTITY_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// StoredIdentity is an identity of a certificate database.
struct StoredIdentity {
  std::shared_ptr<const Identity> identity;
  std::vector<std::string> key_uris;  // where its private key is: one place, or several copies
};

// LoadedIdentities is what was found, and for each thing that was passed over one line that says
// which and why.
struct LoadedIdentities {
  std::vector<StoredIdentity> identities;
  std::vector<std::string> skipped;
};

// IdentityPath returns the path in `uri`.
Result<std::string> IdentityPath(const std::string& uri);

// AddIdentity adds `added` to a database. The same certificate often lies there twice (alice.pem,
// alice.p12): it is one identity then, with both places and the longer of the two chains.
void AddIdentity(StoredIdentity added, std::vector<StoredIdentity>& identities);

// LoadIdentities returns every identity at `uri`, "file:" and an absolute path. A file (PEM or
// PKCS#12) must hold an identity. In a directory, keys and certificates may stand in different
// files; what cannot be read or does not belong together is skipped, and there may be none at all.
//
// Each private key makes one identity: its newest certificate, and behind it the issuers that were
// found, in order, without the root. What the files are called decides nothing of that. An
// encrypted key is an error: there is nobody to ask.
Result<LoadedIdentities> LoadIdentities(const std::string& uri);

// LoadIdentity returns the only identity of the file at `uri`.
Result<std::shared_ptr<const Identity>> LoadIdentity(const std::string& uri);

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_IDENTITY_LOADER_H_
