// pkcs11-provider, in a library context of its own.
#ifndef DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_LIBRARY_H_
#define DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_LIBRARY_H_

#include <openssl/types.h>

#include <memory>
#include <string>

#include "bio/status.h"

namespace detach {

// OpenPkcs11Library returns a library context in which pkcs11-provider answers `pkcs11:` URIs for
// the module at `module`, which is initialised already, and knows the tokens that are there now.
// The provider never logs in: LogIn of the module is for that. `provider` is its path; empty: in
// OpenSSL's directory of modules. kMisuse where it is missing or does not load.
Result<std::shared_ptr<OSSL_LIB_CTX>> OpenPkcs11Library(const std::string& provider,
                                                        const std::string& module);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_LIBRARY_H_
