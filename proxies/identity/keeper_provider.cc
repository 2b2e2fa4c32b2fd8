#include "proxies/identity/keeper_provider.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include <cerrno>
#include <optional>

#include "bio/socket/unique_fd.h"

namespace detach {
namespace {

constexpr const char* kName = "detach";

bool IsForbidden(const std::string& file) {
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return !opened.valid() && errno == EACCES;
}

}  // namespace

Status LoadKeeperProvider(const std::string& module) {
  static std::optional<std::string> loaded;
  if (loaded == module) return {};
  if (loaded) return Misuse("to use another provider than at the start, start the proxy again");
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  if (OSSL_PROVIDER_available(nullptr, kName) == 1) {
    return Misuse("OpenSSL's own configuration has loaded the provider detach; take it out there");
  }
  // libcrypto takes a path for a name, too. Where nobody has configured any provider, it still
  // loads its default one when that is first needed.
  const char* name = module.empty() ? kName : module.c_str();
  ERR_clear_error();
  constexpr int kRetainFallbacks = 1;
  if (OSSL_PROVIDER_try_load(nullptr, name, kRetainFallbacks) == nullptr) {
    ERR_clear_error();
    if (IsForbidden(module)) {
      return Misuse(module + ": may not be read; a reverse proxy that serves already opens files " +
                    "of few folders only: start it again");
    }
    const char* modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    return Misuse("OpenSSL cannot load " + (module.empty() ? "detach.so" : module) +
                  "; install detach.so in " +
                  std::string(modules != nullptr ? modules : "OpenSSL's directory of modules") +
                  ", or say where it is: provider = \"/path/detach.so\"");
  }
  loaded = module;
  return {};
}

}  // namespace detach
