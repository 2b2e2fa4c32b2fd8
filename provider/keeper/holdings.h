// What a keeper holds at one moment.
#ifndef DETACH_PROVIDER_KEEPER_HOLDINGS_H_
#define DETACH_PROVIDER_KEEPER_HOLDINGS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "provider/keeper/identity.h"
#include "provider/keeper/quota.h"

namespace detach {

// HeldIdentity is an identity, and how often it has signed. Any number of threads may use it.
struct HeldIdentity {
  explicit HeldIdentity(KeeperIdentity held)
      : identity(std::move(held)), quota(identity.signatures_per_second) {}

  const KeeperIdentity identity;
  Quota quota;
};

// Holdings do not change: where something has changed there are others. No two identities have the
// same name.
struct Holdings {
  std::vector<std::shared_ptr<HeldIdentity>> identities;
  std::vector<std::string> notices;  // what was passed over and why, each in one line
};

// Hold returns the holdings of `identities`.
Holdings Hold(std::vector<KeeperIdentity> identities);

// FindIn returns the identity `name` of `holdings`; null: there is none.
std::shared_ptr<HeldIdentity> FindIn(const Holdings& holdings, std::string_view name);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_HOLDINGS_H_
