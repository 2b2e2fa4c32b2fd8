// A wheel of coarse timers.
#ifndef DETACH_PROXIES_TUNNEL_TIMER_WHEEL_H_
#define DETACH_PROXIES_TUNNEL_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace detach {

// TimerNode is what an object derives from to sit in a wheel, in one place at a time.
struct TimerNode {
  TimerNode* prev = nullptr;  // null: in no wheel
  TimerNode* next = nullptr;
};

// TimerWheel calls nobody: its owner asks for the next tick at which something may expire, and
// takes what did. A tick is whatever the owner counts in; the relay counts seconds. Setting and
// cancelling are O(1) and no timer needs memory of its own. One thread.
//
// A node may expire early: at the wheel's horizon, or because its owner has been active since. So
// the owner checks its deadline and sets it again: activity costs a store, not a move in the wheel.
class TimerWheel {
 public:
  using Tick = std::uint64_t;

  explicit TimerWheel(Tick now);
  TimerWheel(const TimerWheel&) = delete;  // the nodes point into it
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Set puts `node` into the slot of `tick`, or of the next tick or the horizon if that is nearer
  // than `tick` is. Precondition: it is in no wheel.
  void Set(TimerNode& node, Tick tick);

  // Cancel takes `node` out, if it is in.
  void Cancel(TimerNode& node);

  // Next returns the first tick at which something may expire; none when the wheel is empty.
  std::optional<Tick> Next() const;

  // Advance moves the wheel to `now` and returns the nodes whose tick was reached, out of the
  // wheel.
  std::vector<TimerNode*> Advance(Tick now);

 private:
  static constexpr std::size_t kSlots = 512;

  TimerNode& slot(Tick tick) { return slots_[tick % kSlots]; }
  void TakeSlot(Tick tick, std::vector<TimerNode*>& expired);

  std::array<TimerNode, kSlots> slots_;  // heads of circular lists
  Tick now_;
  std::size_t size_ = 0;
  Tick next_ = 0;  // no node expires before it; 0 < next_ - now_ < kSlots while size_ > 0
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_TIMER_WHEEL_H_
