// How often something may happen.
#ifndef DETACH_PROVIDER_KEEPER_QUOTA_H_
#define DETACH_PROVIDER_KEEPER_QUOTA_H_

#include <chrono>
#include <mutex>

namespace detach {

// Quota lets `limit` events through in each second, counted from the first of them. Any number of
// threads may take from it.
class Quota {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Quota(int limit) : limit_(limit) {}

  // Take tells whether one more may happen at `now`, and counts it.
  bool Take(TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (taken_ == 0 || now - start_ >= std::chrono::seconds(1)) {
      start_ = now;
      taken_ = 0;
    }
    if (taken_ >= limit_) return false;
    ++taken_;
    return true;
  }

 private:
  std::mutex mutex_;
  int limit_;
  int taken_ = 0;
  TimePoint start_;  // of the second that is being counted
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_QUOTA_H_
