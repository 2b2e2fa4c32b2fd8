// A private key by reference: its public half here, the rest in the keeper.
#ifndef DETACH_PROVIDER_REMOTE_KEY_H_
#define DETACH_PROVIDER_REMOTE_KEY_H_

#include <memory>
#include <string>

#include "bio/status.h"
#include "program/crypto/crypto_types.h"
#include "provider/keeper/client.h"
#include "provider/keepers.h"
#include "provider/provider_context.h"

namespace detach {

// RemoteKey is immutable. libcrypto's "key data" is a KeyHandle.
struct RemoteKey {
  const ProviderContext* provider;  // outlives the key: who has a key has its provider
  KeeperPtr keeper;                 // which signs with it
  std::string name;                 // of the identity
  KeyId id;
  const char* type;     // one of kKeyTypes
  PkeyPtr public_half;  // in the provider's private library
};

using KeyHandle = std::shared_ptr<const RemoteKey>;

// MakeRemoteKey returns the key of `identity`, which `keeper` has. It takes the public half from
// the identity's certificate. kIncompatible where the key is of a type that the provider does not
// know.
Result<KeyHandle> MakeRemoteKey(const ProviderContext* provider, KeeperPtr keeper,
                                const KeptIdentity& identity);

}  // namespace detach

#endif  // DETACH_PROVIDER_REMOTE_KEY_H_
