// Where tunnels and requests change threads.
#ifndef DETACH_PROXIES_TUNNEL_RELAY_EXCHANGE_H_
#define DETACH_PROXIES_TUNNEL_RELAY_EXCHANGE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "proxies/tunnel/relay_tunnel.h"

namespace detach {

using TunnelPredicate = std::function<bool(std::uint64_t id)>;

// RelayExchange is an inbox for each lane, and the count of the living. Any thread.
class RelayExchange {
 public:
  struct Inbox {
    std::vector<std::unique_ptr<RelayTunnel>> arrivals;
    std::vector<std::shared_ptr<const TunnelPredicate>> ends;  // apply after taking the arrivals in
    bool stop = false;
  };

  // Open makes the wake-up descriptors. Call once, before anything else.
  Status Open();

  // wake_fd becomes readable when the lane's inbox has something.
  int wake_fd(LaneName lane) const { return boxes_[Index(lane)].wake.get(); }

  // Send puts `tunnel` into the lane's inbox and takes it, unless Stop was called: then false.
  bool Send(LaneName to, std::unique_ptr<RelayTunnel>& tunnel);

  // Move is Send from the other lane. Refused also while an End is on its way through the lanes:
  // a tunnel that changes lanes then could miss it.
  bool Move(LaneName to, std::unique_ptr<RelayTunnel>& tunnel);

  // End asks every lane to end the tunnels whose id `predicate` accepts.
  void End(TunnelPredicate predicate);

  // Stop asks the lanes to end everything and return; nothing is taken after it.
  void Stop();

  // Take empties the lane's inbox, for the lane. The lane then reports each of the `ends` by Ended.
  Inbox Take(LaneName lane);
  void Ended();

 private:
  struct Box {
    Inbox inbox;
    UniqueFd wake;
  };

  static std::size_t Index(LaneName lane) { return static_cast<std::size_t>(lane); }
  bool Put(LaneName to, std::unique_ptr<RelayTunnel>& tunnel);  // with mutex_ held
  void Wake(LaneName lane);

  std::mutex mutex_;  // guards all but the descriptors
  std::array<Box, 2> boxes_;
  std::size_t ends_under_way_ = 0;  // lanes that have yet to apply one, summed over the Ends
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_RELAY_EXCHANGE_H_
