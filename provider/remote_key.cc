#include "provider/remote_key.h"

#include <utility>
#include <vector>

namespace detach {
namespace {

const char* TypeOf(const EVP_PKEY* key) {
  for (const char* type : kKeyTypes) {
    if (EVP_PKEY_is_a(key, type) == 1) return type;
  }
  return nullptr;
}

}  // namespace

Result<KeyHandle> MakeRemoteKey(const ProviderContext* provider, KeeperPtr keeper,
                                const KeptIdentity& identity) {
  const std::vector<std::uint8_t>& certificate = identity.chain.front();
  X509* into = X509_new_ex(provider->private_library(), nullptr);
  const unsigned char* at = certificate.data();
  const bool read =
      into != nullptr && d2i_X509(&into, &at, static_cast<long>(certificate.size())) != nullptr;
  const X509Ptr parsed(into);  // null after some failures, not after others
  if (!read) {
    return Violation("identity \"" + identity.name + "\": its certificate cannot be read");
  }
  PkeyPtr key(X509_get_pubkey(parsed.get()));
  const char* type = key ? TypeOf(key.get()) : nullptr;
  if (type == nullptr) {
    return Incompatible("identity \"" + identity.name +
                        "\": its key is none of RSA, RSA-PSS, EC and Ed25519");
  }
  return KeyHandle(std::make_shared<RemoteKey>(
      RemoteKey{provider, std::move(keeper), identity.name, identity.key, type, std::move(key)}));
}

}  // namespace detach
