// How long a blocking call may take.
#ifndef DETACH_BIO_SOCKET_DEADLINE_H_
#define DETACH_BIO_SOCKET_DEADLINE_H_

#include <algorithm>
#include <chrono>
#include <limits>

namespace detach {

// Deadline is the moment at which a blocking call gives up: `length` after the deadline was made,
// by the steady clock. One deadline may bound several calls. length <= 0 has passed already.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds length)
      : length_(length), end_(std::chrono::steady_clock::now() + length) {}

  // length is what error messages say.
  std::chrono::milliseconds length() const noexcept { return length_; }

  // PollTimeout returns what is left for poll(2): milliseconds, rounded up; 0 once it has passed.
  int PollTimeout() const noexcept {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(
        left.count(), 0, std::numeric_limits<int>::max()));
  }

 private:
  std::chrono::milliseconds length_;
  std::chrono::steady_clock::time_point end_;
};

}  // namespace detach

#endif  // DETACH_BIO_SOCKET_DEADLINE_H_
