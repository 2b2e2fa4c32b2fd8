// Whether a confined proxy could still read keys that are not for it.
#ifndef DETACH_PROXIES_DAEMON_KEY_REACH_H_
#define DETACH_PROXIES_DAEMON_KEY_REACH_H_

#include <string>
#include <vector>

namespace detach {

// WarnOfKeysWithinReach tries to open each of `files`, which its keeper reads its keys from, and
// logs "key_within_reach" for each that this process can read: whoever breaks into it could too.
void WarnOfKeysWithinReach(const std::vector<std::string>& files);

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_KEY_REACH_H_
