// The identities in one token.
#ifndef DETACH_PROVIDER_KEEPER_PKCS11_TOKEN_CONTENTS_H_
#define DETACH_PROVIDER_KEEPER_PKCS11_TOKEN_CONTENTS_H_

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "provider/keeper/identity.h"
#include "provider/keeper/pkcs11/pkcs11_module.h"
#include "provider/keeper/pkcs11/pkcs11_uri.h"

namespace detach {

// FoundIdentities is what was found, and, each in one line, what was passed over and why.
struct FoundIdentities {
  std::vector<std::string> places;  // that were looked at
  std::vector<KeyAndChain> identities;
  std::vector<std::string> notices;
};

// AddNotice adds `notice`, once.
void AddNotice(std::string notice, std::vector<std::string>& notices);

// AddToken adds to `found` the identities that `uri` means on `token`, to which this process has
// logged in. `place` is what a person knows the token by; `library` one of OpenPkcs11Library for
// `module`, and knows the token.
void AddToken(const Pkcs11Uri& uri, const Token& token, const std::string& place,
              const Pkcs11Module& module, const std::shared_ptr<OSSL_LIB_CTX>& library,
              FoundIdentities& found);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PKCS11_TOKEN_CONTENTS_H_
