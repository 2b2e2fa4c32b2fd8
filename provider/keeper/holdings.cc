#include "provider/keeper/holdings.h"

#include <algorithm>

namespace detach {

Holdings Hold(std::vector<KeeperIdentity> identities) {
  Holdings holdings;
  for (KeeperIdentity& identity : identities) {
    holdings.identities.push_back(std::make_shared<HeldIdentity>(std::move(identity)));
  }
  return holdings;
}

std::shared_ptr<HeldIdentity> FindIn(const Holdings& holdings, std::string_view name) {
  const auto held = std::find_if(holdings.identities.begin(), holdings.identities.end(),
                                 [&](const auto& one) { return one->identity.name == name; });
  return held != holdings.identities.end() ? *held : nullptr;
}

}  // namespace detach
