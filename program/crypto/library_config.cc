#include "program/crypto/library_config.h"

#include <openssl/conf.h>

#include <cctype>
#include <memory>

#include "program/crypto/crypto_types.h"

namespace detach {

std::string ConfigValue(const std::string& value) {
  std::string text;
  for (const char c : value) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!plain) text += '\\';
    text += c;
  }
  return text;
}

Status LoadConfigText(OSSL_LIB_CTX* library, const std::string& text) {
  const std::unique_ptr<CONF, FreeWith<NCONF_free>> config(NCONF_new_ex(library, nullptr));
  const BioPtr in = MemoryBio(text);
  const bool loaded = config != nullptr && in != nullptr &&
                      NCONF_load_bio(config.get(), in.get(), nullptr) == 1 &&
                      CONF_modules_load(config.get(), nullptr, 0) > 0;
  const std::string reason = TakeCryptoError();
  return loaded ? Status() : Internal("libcrypto cannot be configured" + reason);
}

}  // namespace detach
