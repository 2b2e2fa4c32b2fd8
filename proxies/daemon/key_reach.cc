#include "proxies/daemon/key_reach.h"

#include <fcntl.h>

#include "bio/socket/unique_fd.h"
#include "program/file_access.h"
#include "proxies/log/log.h"

namespace detach {

void WarnOfKeysWithinReach(const std::vector<std::string>& files) {
  const std::string advice =
      ReadablePaths().empty()
          ? "this kernel has no Landlock: let the keeper run as another user, who alone may read it"
          : "put it where this program may not read, which it may in " + ReadablePaths() +
                "; or let the keeper run as another user, who alone may read it";
  for (const std::string& file : files) {
    const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!opened.valid()) continue;
    Log(LogLevel::kWarning, "key_within_reach",
        {{"file", file}, {"reason", "this program can read the key as well"}, {"advice", advice}});
  }
}

}  // namespace detach
