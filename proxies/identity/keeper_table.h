// The table [keeper] of a proxy's configuration.
#ifndef DETACH_PROXIES_IDENTITY_KEEPER_TABLE_H_
#define DETACH_PROXIES_IDENTITY_KEEPER_TABLE_H_

#include <functional>
#include <string>

#include "bio/backend/by_name/named_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "program/toml_reader.h"
#include "proxies/identity/kept_identities.h"

namespace detach {

// StartKeeper starts a keeper for the rows [[keeper.identity]] of the file that is being read, and
// returns a channel to it (provider/keeper/channel.h). `program`: detach-keeper's path; empty: the
// default. kMisuse, with the position in front, where something is wrong in those rows.
using StartKeeper = std::function<Result<UniqueFd>(const std::string& program)>;

// ReadKeeper reads the table `keeper`, and asks the keeper at its `socket`, or the one that `start`
// starts for its rows, or because the file names databases elsewhere (`databases`), which it reads
// too; where there is nothing of that, there is no keeper. Leaves complaints with `root`. Loads the
// provider where `backend` needs it, the first time; other threads may use libcrypto meanwhile.
KeptIdentities ReadKeeper(TomlTable& root, Role role, const NamedBackend& backend,
                          const StartKeeper& start, bool databases = false);

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_KEEPER_TABLE_H_
