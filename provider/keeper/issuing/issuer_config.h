// What the configuration says of an identity with the purpose "issuing".
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_ISSUER_CONFIG_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_ISSUER_CONFIG_H_

#include <memory>

#include "program/toml_reader.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/issuing/issuer.h"

namespace detach {

// ReadIssuer reads the keys of `table` that such an identity alone has, and opens the files that
// they name. `authority` is its key and chain; where they could not be read, its key is null.
// Returns null where it has complained, or somebody before it.
std::shared_ptr<Issuer> ReadIssuer(TomlTable& table, const KeyAndChain& authority);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_ISSUER_CONFIG_H_
