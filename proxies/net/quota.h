// Quota: how many of something one client may have at a time.
#ifndef DETACH_PROXIES_NET_QUOTA_H_
#define DETACH_PROXIES_NET_QUOTA_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace detach {

// Quota counts by key (a client's name, an address). Thread-safe.
class Quota {
 public:
  // A place taken, given back when the last copy goes; it may outlive the Quota.
  using Place = std::shared_ptr<void>;

  // Take returns a place among at most `limit` for `key`, or null when all are taken.
  Place Take(const std::string& key, int limit) {
    const std::lock_guard lock(counts_->mutex);
    int& taken = counts_->by_key[key];
    if (taken >= limit) return nullptr;
    ++taken;
    return {this, [counts = counts_, key](void*) { counts->GiveBack(key); }};
  }

 private:
  struct Counts {
    void GiveBack(const std::string& key) {
      const std::lock_guard lock(mutex);
      const auto found = by_key.find(key);
      if (--found->second == 0) by_key.erase(found);
    }

    std::mutex mutex;
    std::map<std::string, int> by_key;  // none is 0, but for a limit of 0
  };

  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace detach

#endif  // DETACH_PROXIES_NET_QUOTA_H_
