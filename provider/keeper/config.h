// detach-keeper's configuration file.
#ifndef DETACH_PROVIDER_KEEPER_CONFIG_H_
#define DETACH_PROVIDER_KEEPER_CONFIG_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "bio/status.h"
#include "program/toml_reader.h"
#include "provider/keeper/confinement.h"
#include "provider/keeper/databases.h"
#include "provider/keeper/identity.h"

namespace detach {

struct KeeperConfig {
  LocatedString socket;            // its path; empty: none
  std::vector<uid_t> allow_users;  // who may connect there; at least the keeper's own user
  std::vector<KeeperIdentity> identities;
  std::unique_ptr<Databases> databases;     // null: none
  Pkcs11Use pkcs11_use = Pkcs11Use::kNone;  // that some URI leads to
};

// LoadKeeperConfig reads a keeper's own file at `path`, and the identities that it names. kMisuse,
// one line that begins with "path:line:column: ", for whatever is wrong.
Result<KeeperConfig> LoadKeeperConfig(const std::string& path);

// LoadKeeperOfProxy does the same for a proxy's file: of that, the table `keeper` says what the
// keeper that the proxy has started is to keep, all of it for `purpose`; and the key `identities`
// of a client proxy, which databases. The rest of the file is the proxy's to judge.
Result<KeeperConfig> LoadKeeperOfProxy(const std::string& path, Purpose purpose);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CONFIG_H_
