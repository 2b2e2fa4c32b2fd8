// What the keeper does for whom: the table of legal requests.
#ifndef DETACH_PROVIDER_KEEPER_REQUESTS_H_
#define DETACH_PROVIDER_KEEPER_REQUESTS_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/databases.h"
#include "provider/keeper/frame.h"
#include "provider/keeper/holdings.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/quota.h"

namespace detach {

// Requests answers the requests of all peers, on any number of threads. What is legal, and when, is
// one table, in the .cc file; what is in no row is refused.
class Requests {
 public:
  // No two of `identities` have the same name. `databases`: null where there are none.
  explicit Requests(std::vector<KeeperIdentity> identities,
                    std::unique_ptr<Databases> databases = nullptr);

  // count returns how many identities there are now.
  std::size_t count() const { return Now()->identities.size(); }

  // Name returns the word for `type` that the log uses.
  static std::string_view Name(FrameType type) noexcept;

  // Answer returns the reply to `request`, which may be a kRefused. kViolation where `request` is
  // none: whoever sends that is not to be talked to any more. `now` counts towards the quota.
  Result<Frame> Answer(const Frame& request, Quota::TimePoint now);

 private:
  struct Row;

  static const Row kLegal[];

  static const Row* Find(FrameType type);

  // LookAgain reads the databases, unless that was done in the second before `now`. Whoever comes
  // while another thread reads them waits for it, but not for a token that hangs.
  void LookAgain(Quota::TimePoint now);
  void Look();

  std::shared_ptr<const Holdings> Now() const;

  Frame List(const Row& row, const Frame& request, Quota::TimePoint now);
  Frame Chain(const Row& row, const Frame& request, Quota::TimePoint now);
  Frame Notice(const Row& row, const Frame& request, Quota::TimePoint now);
  Frame Sign(const Row& row, const Frame& request, Quota::TimePoint now);
  Frame Issue(const Row& row, const Frame& request, Quota::TimePoint now);

  const Holdings fixed_;
  std::unique_ptr<Databases> databases_;  // of the thread that has set is_looking_
  std::mutex looks_;
  std::condition_variable looked_;
  bool is_looking_ = false;      // guarded by looks_
  Quota::TimePoint last_look_;   // guarded by looks_
  Quota::TimePoint look_began_;  // guarded by looks_
  mutable std::mutex mutex_;
  std::shared_ptr<const Holdings> holdings_;  // guarded by mutex_; never null
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_REQUESTS_H_
