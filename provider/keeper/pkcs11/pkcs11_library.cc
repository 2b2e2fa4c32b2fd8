#include "provider/keeper/pkcs11/pkcs11_library.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <unistd.h>

#include <cstdlib>

#include "program/crypto/crypto_types.h"
#include "program/crypto/library_config.h"

namespace detach {
namespace {

std::string DefaultProvider() {
  const char* folder = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
  return (folder != nullptr ? std::string(folder) : "") + "/pkcs11.so";
}

std::string Configuration(const std::string& provider, const std::string& module) {
  return "openssl_conf = init\n[init]\nproviders = providers\n"
         "[providers]\ndefault = own\npkcs11 = pkcs11\n[own]\nactivate = 1\n"
         "[pkcs11]\nmodule = " +
         ConfigValue(provider) + "\npkcs11-module-path = " + ConfigValue(module) +
         // no-deinit: it would end the module for all others in this process.
         "\npkcs11-module-login-behavior = never\npkcs11-module-quirks = no-deinit\nactivate = 1\n";
}

}  // namespace

Result<std::shared_ptr<OSSL_LIB_CTX>> OpenPkcs11Library(const std::string& provider,
                                                        const std::string& module) {
  const std::string path = provider.empty() ? DefaultProvider() : provider;
  if (::access(path.c_str(), R_OK) != 0) {
    return Misuse(path +
                  " is missing: install the package pkcs11-provider (on Debian 12 from "
                  "bookworm-backports), or say where it is: pkcs11_provider = \"/path/pkcs11.so\"");
  }
  ::unsetenv("PKCS11_PROVIDER_MODULE");  // it would go before the configuration
  std::shared_ptr<OSSL_LIB_CTX> library(OSSL_LIB_CTX_new(), OSSL_LIB_CTX_free);
  const Status status = LoadConfigText(library.get(), Configuration(path, module));
  if (!status.ok()) return status;
  if (OSSL_PROVIDER_available(library.get(), "pkcs11") != 1) {
    return Misuse(path + ": OpenSSL cannot load it as a provider" + TakeCryptoError());
  }
  return library;
}

}  // namespace detach
