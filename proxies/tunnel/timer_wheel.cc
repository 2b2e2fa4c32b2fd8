#include "proxies/tunnel/timer_wheel.h"

#include <algorithm>
#include <cassert>

namespace detach {

TimerWheel::TimerWheel(Tick now) : now_(now) {
  for (TimerNode& head : slots_) head.prev = head.next = &head;
}

void TimerWheel::Set(TimerNode& node, Tick tick) {
  assert(node.prev == nullptr);
  const Tick when = std::clamp(tick, now_ + 1, now_ + kSlots - 1);
  TimerNode& head = slot(when);
  node.prev = head.prev;
  node.next = &head;
  head.prev->next = &node;
  head.prev = &node;
  next_ = size_ == 0 ? when : std::min(next_, when);
  ++size_;
}

void TimerWheel::Cancel(TimerNode& node) {
  if (node.prev == nullptr) return;
  node.prev->next = node.next;
  node.next->prev = node.prev;
  node.prev = node.next = nullptr;
  --size_;
}

std::optional<TimerWheel::Tick> TimerWheel::Next() const {
  if (size_ == 0) return std::nullopt;
  return next_;
}

std::vector<TimerNode*> TimerWheel::Advance(Tick now) {
  std::vector<TimerNode*> expired;
  if (now <= now_) return expired;
  const Tick last = std::min(now, now_ + kSlots);
  for (Tick tick = now_ + 1; size_ > 0 && tick <= last; ++tick) TakeSlot(tick, expired);
  now_ = now;
  next_ = now_ + 1;
  while (size_ > 0 && slot(next_).next == &slot(next_)) ++next_;
  return expired;
}

void TimerWheel::TakeSlot(Tick tick, std::vector<TimerNode*>& expired) {
  TimerNode& head = slot(tick);
  while (head.next != &head) {
    expired.push_back(head.next);
    Cancel(*head.next);
  }
}

}  // namespace detach
