// Configurations of libcrypto that are in no file.
#ifndef DETACH_PROGRAM_CRYPTO_LIBRARY_CONFIG_H_
#define DETACH_PROGRAM_CRYPTO_LIBRARY_CONFIG_H_

#include <openssl/types.h>

#include <string>

#include "bio/status.h"

namespace detach {

// ConfigValue returns `value` so that a configuration means just these characters, none of which
// may be a control character.
std::string ConfigValue(const std::string& value);

// LoadConfigText loads the configuration `text` into `library`; null: the default one. OpenSSL 3.0
// takes the parameters of a provider from a configuration only; no file is needed for that. Whether
// a provider has come is for the caller to ask. kInternal where libcrypto fails.
Status LoadConfigText(OSSL_LIB_CTX* library, const std::string& text);

}  // namespace detach

#endif  // DETACH_PROGRAM_CRYPTO_LIBRARY_CONFIG_H_
