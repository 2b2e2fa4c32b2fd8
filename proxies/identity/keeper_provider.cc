#include "proxies/identity/keeper_provider.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>

#include "bio/socket/unique_fd.h"

namespace detach {
namespace {

struct Parameters {
  std::string socket;
  std::string module;
  bool operator==(const Parameters&) const = default;
};

constexpr const char* kName = "detach";

// Escaped returns `value` so that an OpenSSL configuration means just these characters.
std::string Escaped(const std::string& value) {
  std::string text;
  for (const char c : value) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!plain) text += '\\';
    text += c;
  }
  return text;
}

bool HasControls(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) != 0; });
}

std::string Configuration(const Parameters& wanted) {
  std::string text =
      "openssl_conf = init\n[init]\nproviders = providers\n"
      "[providers]\ndetach = detach\n[detach]\n";
  if (!wanted.module.empty()) text += "module = " + Escaped(wanted.module) + '\n';
  return text + "socket = " + Escaped(wanted.socket) + "\nactivate = 1\n";
}

// OpenSSL 3.0 takes the parameters of a provider from a configuration file only. This one is in
// memory, and gone when it has been read.
Status LoadConfiguration(const std::string& text) {
  const UniqueFd file(::memfd_create("openssl.cnf", MFD_CLOEXEC));
  if (!file.valid() || ::write(file.get(), text.data(), text.size()) < 0) {
    return Misuse(std::string("detach.so cannot be loaded now (") + std::strerror(errno) +
                  "); start the proxy again");
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  ERR_clear_error();
  const bool loaded = OSSL_LIB_CTX_load_config(nullptr, path.c_str()) == 1 &&
                      OSSL_PROVIDER_available(nullptr, kName) == 1;
  if (loaded) return {};
  ERR_clear_error();
  const char* modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
  return Misuse("OpenSSL cannot load detach.so; install it in " +
                std::string(modules != nullptr ? modules : "OpenSSL's directory of modules") +
                ", or say where it is: provider = \"/path/detach.so\"");
}

int Visit(OSSL_PROVIDER* /*provider*/, void* /*argument*/) { return 1; }

}  // namespace

Status LoadKeeperProvider(const std::string& socket, const std::string& module) {
  static std::optional<Parameters> loaded;
  const Parameters wanted = {socket, module};
  if (loaded == wanted) return {};
  if (loaded) {
    return Misuse("the keeper was " + loaded->socket +
                  " at the start; to use another, or another provider, start the proxy again");
  }
  if (HasControls(socket) || HasControls(module)) return Misuse("a path with control characters");
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  // Where nobody has configured any, libcrypto loads its default provider when it is first needed,
  // unless another has been loaded by then.
  OSSL_PROVIDER_do_all(nullptr, Visit, nullptr);
  if (OSSL_PROVIDER_available(nullptr, kName) == 1) {
    return Misuse("OpenSSL's own configuration has loaded the provider detach; take it out there");
  }
  if (Status status = LoadConfiguration(Configuration(wanted)); !status.ok()) return status;
  loaded = wanted;
  return {};
}

}  // namespace detach
