// The keepers that URIs lead to.
#ifndef DETACH_PROVIDER_KEEPERS_H_
#define DETACH_PROVIDER_KEEPERS_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "bio/status.h"
#include "provider/keeper/client.h"

namespace detach {

using KeeperPtr = std::shared_ptr<const KeeperClient>;

// IdentityUri is a URI of the scheme identity: in its parts. They stand in it as they are: nothing
// is percent-encoded.
struct IdentityUri {
  std::string name;   // of the identity; empty: all
  std::string query;  // what stands behind the first "?"
};

// SplitIdentityUri takes `uri` apart, which begins with "identity:".
IdentityUri SplitIdentityUri(std::string_view uri);

// Keepers finds the keeper that a URI is about. Its members may be called from any thread.
class Keepers {
 public:
  // `socket` is the path of the keeper that is meant where a URI names none; empty: there is none.
  explicit Keepers(std::string socket) : socket_(std::move(socket)) {}

  // Find returns the keeper of the `query` "socket=PATH", or of "descriptor=NUMBER": the end of a
  // channel (keeper/channel.h) in this process, which may be closed afterwards. Whoever asks for
  // the same keeper while somebody still has it gets the same. kMisuse for any other query, and for
  // a descriptor that is no channel.
  Result<KeeperPtr> Find(const std::string& query);

 private:
  Result<KeeperPtr> AtSocket(std::string path);
  Result<KeeperPtr> BehindDescriptor(std::string_view number);

  const std::string socket_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const KeeperClient>> found_;  // guarded by mutex_
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPERS_H_
