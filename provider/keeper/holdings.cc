#include "provider/keeper/holdings.h"

#include <utility>

namespace detach {

Holdings Hold(std::vector<KeeperIdentity> identities) {
  Holdings holdings;
  for (KeeperIdentity& identity : identities) {
    holdings.identities.push_back(std::make_shared<HeldIdentity>(std::move(identity)));
  }
  return holdings;
}

}  // namespace detach
