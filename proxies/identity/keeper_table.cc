#include "proxies/identity/keeper_table.h"

#include <memory>
#include <utility>

#include "proxies/identity/keeper_provider.h"

namespace detach {
namespace {

using KeeperWayPtr = std::shared_ptr<const KeeperWay>;

// StartedKeeper returns the way to the keeper of the rows; null: it has complained.
KeeperWayPtr StartedKeeper(TomlTable& table, const LocatedString& program,
                           const StartKeeper& start) {
  Result<UniqueFd> channel = start(program.text);
  if (!channel.ok() && channel.status().fault() == Fault::kMisuse) {
    table.Fail(channel.status());
  } else if (!channel.ok()) {
    table.Fail(program.position, channel.status().message());
  } else if (Result<KeeperWayPtr> keeper = KeeperThrough(*std::move(channel)); keeper.ok()) {
    return *std::move(keeper);
  } else {
    table.Fail(table.position(), keeper.status().message());
  }
  return nullptr;
}

KeeperWayPtr ReadWay(TomlTable& table, const LocatedString& socket, const StartKeeper& start,
                     bool databases) {
  const LocatedString program = table.String("program");
  const bool rows = table.Has("identity");
  table.LeaveToAnother("identity");
  table.LeaveToAnother("pkcs11_provider");
  const bool own = rows || databases;
  if (own && socket.empty()) return StartedKeeper(table, program, start);
  if (!own && !socket.empty()) {
    if (program.empty()) return KeeperAt(socket.text);
    table.Fail(program.position,
               "\"keeper.program\" is what the proxy starts, and the keeper at a socket runs "
               "already; remove one of the two");
    return nullptr;
  }
  if (databases && !rows) {
    table.Fail(socket.position,
               "the keeper at a socket reads the databases of its own configuration only: name "
               "pkcs11: and browser: in a [[database]] there, and \"identity:\" here");
    return nullptr;
  }
  table.Fail(table.position(),
             "\"keeper\" needs either the socket of a keeper that runs already, or a "
             "[[keeper.identity]] for each key of one that the proxy starts; and not both");
  return nullptr;
}

}  // namespace

KeptIdentities ReadKeeper(TomlTable& root, Role role, const NamedBackend& backend,
                          const StartKeeper& start, bool databases) {
  if (!root.Has("keeper") && !databases) return {};
  TomlTable table = root.Table("keeper");
  const LocatedString socket = table.String("socket");
  const LocatedString provider = table.String("provider");
  KeeperWayPtr keeper = ReadWay(table, socket, start, databases);
  if (!keeper) return {};
  Result<KeptIdentities> identities =
      KeptIdentities::Ask(std::move(keeper), role, backend.takes_signer);
  if (!identities.ok()) {
    table.Fail(socket.position, identities.status().message());
    return {};
  }
  if (backend.takes_signer) return *std::move(identities);
  if (Status status = LoadKeeperProvider(provider.text); !status.ok()) {
    table.Fail(provider.position, status.message());
  }
  return *std::move(identities);
}

}  // namespace detach
