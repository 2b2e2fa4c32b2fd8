#include "proxies/tunnel/relay_exchange.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace detach {

Status RelayExchange::Open() {
  for (Box& box : boxes_) {
    box.wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!box.wake.valid()) {
      return Internal(std::string("cannot make an eventfd for the relay: ") + std::strerror(errno));
    }
  }
  return {};
}

bool RelayExchange::Send(LaneName to, std::unique_ptr<RelayTunnel>& tunnel) {
  const std::lock_guard lock(mutex_);
  return Put(to, tunnel);
}

bool RelayExchange::Move(LaneName to, std::unique_ptr<RelayTunnel>& tunnel) {
  const std::lock_guard lock(mutex_);
  return ends_under_way_ == 0 && Put(to, tunnel);
}

bool RelayExchange::Put(LaneName to, std::unique_ptr<RelayTunnel>& tunnel) {
  Box& box = boxes_[Index(to)];
  if (box.inbox.stop) return false;
  box.inbox.arrivals.push_back(std::move(tunnel));
  if (box.inbox.arrivals.size() == 1) Wake(to);
  return true;
}

void RelayExchange::End(TunnelPredicate predicate) {
  const auto shared = std::make_shared<const TunnelPredicate>(std::move(predicate));
  const std::lock_guard lock(mutex_);
  for (const LaneName lane : {LaneName::kInteractive, LaneName::kBulk}) {
    boxes_[Index(lane)].inbox.ends.push_back(shared);
    ++ends_under_way_;
    Wake(lane);
  }
}

void RelayExchange::Stop() {
  const std::lock_guard lock(mutex_);
  for (const LaneName lane : {LaneName::kInteractive, LaneName::kBulk}) {
    boxes_[Index(lane)].inbox.stop = true;
    Wake(lane);
  }
}

RelayExchange::Inbox RelayExchange::Take(LaneName lane) {
  const std::lock_guard lock(mutex_);
  Box& box = boxes_[Index(lane)];
  eventfd_t wakes;
  (void)::eventfd_read(box.wake.get(), &wakes);
  Inbox taken = std::exchange(box.inbox, {});
  box.inbox.stop = taken.stop;
  return taken;
}

void RelayExchange::Ended() {
  const std::lock_guard lock(mutex_);
  --ends_under_way_;
}

// An eventfd cannot refuse to count to 2^64 - 2.
void RelayExchange::Wake(LaneName lane) {
  (void)::eventfd_write(boxes_[Index(lane)].wake.get(), 1);
}

}  // namespace detach
