#include "program/crypto/library_config.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>

#include "bio/socket/unique_fd.h"
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
  const UniqueFd file(::memfd_create("openssl.cnf", MFD_CLOEXEC));
  if (!file.valid() || ::write(file.get(), text.data(), text.size()) < 0) {
    return Internal(std::string("memfd_create: ") + std::strerror(errno));
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const bool loaded = OSSL_LIB_CTX_load_config(library, path.c_str()) == 1;
  const std::string reason = TakeCryptoError();
  return loaded ? Status() : Internal("libcrypto cannot be configured" + reason);
}

}  // namespace detach
