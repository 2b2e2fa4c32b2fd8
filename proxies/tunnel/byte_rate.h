// How fast bytes have come lately.
#ifndef DETACH_PROXIES_TUNNEL_BYTE_RATE_H_
#define DETACH_PROXIES_TUNNEL_BYTE_RATE_H_

#include <chrono>
#include <cstdint>
#include <optional>

namespace detach {

// ByteRate averages over windows of at least kWindow; a window ends with the first bytes after it.
class ByteRate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds kWindow{50};

  explicit ByteRate(Time now) : start_(now) {}

  // Add counts `bytes` and returns the rate in bytes per second if a window has ended at `now`.
  std::optional<double> Add(std::uint64_t bytes, Time now) {
    bytes_ += bytes;
    const std::chrono::duration<double> elapsed = now - start_;
    if (elapsed < kWindow) return std::nullopt;
    const double rate = static_cast<double>(bytes_) / elapsed.count();
    start_ = now;
    bytes_ = 0;
    return rate;
  }

 private:
  Time start_;
  std::uint64_t bytes_ = 0;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_BYTE_RATE_H_
