// detach-keeper's configuration file.
#ifndef DETACH_PROVIDER_KEEPER_CONFIG_H_
#define DETACH_PROVIDER_KEEPER_CONFIG_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "bio/status.h"
#include "program/toml_reader.h"
#include "provider/keeper/identity.h"

namespace detach {

struct KeeperConfig {
  LocatedString socket;                    // its path; empty: none
  std::vector<uid_t> allow_users;          // who may connect there; at least the keeper's own user
  std::vector<KeeperIdentity> identities;  // at least one
};

// LoadKeeperConfig reads the file at `path`, and the identities that it names. kMisuse, one line
// that begins with "path:line:column: ", for whatever is wrong.
Result<KeeperConfig> LoadKeeperConfig(const std::string& path);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CONFIG_H_
