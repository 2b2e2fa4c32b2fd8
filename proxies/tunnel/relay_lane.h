// One loop of the relay.
#ifndef DETACH_PROXIES_TUNNEL_RELAY_LANE_H_
#define DETACH_PROXIES_TUNNEL_RELAY_LANE_H_

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "proxies/tunnel/pipe_pool.h"
#include "proxies/tunnel/relay_exchange.h"
#include "proxies/tunnel/relay_flow.h"
#include "proxies/tunnel/relay_tunnel.h"
#include "proxies/tunnel/timer_wheel.h"

namespace detach {

// RelayLane waits for its tunnels' sockets and for its inbox, level-triggered, and asks for a
// socket's readiness only while that direction can use it: a read that finds nothing and a blocked
// receiver cost no wake-up. Tunnels change lanes by their byte rate. The bulk lane naps when it has
// moved much, so that more is waiting at the next wake-up: wake-ups, not bytes, are the cost. All
// members but the constructor and Open belong to the thread of Run.
class RelayLane {
 public:
  // `alive` counts the tunnels of all lanes; the lane subtracts each before its on_end.
  RelayLane(LaneName name, std::function<RelayClock::time_point()> clock, PipePool& pipes,
            RelayExchange& exchange, std::atomic<std::size_t>& alive);

  // Open makes the epoll set. Call once, before Run.
  Status Open();

  // Run serves until the exchange says stop, then aborts what is left. The thread must have every
  // signal blocked (splice raises SIGPIPE).
  void Run();

 private:
  int TimeoutMilliseconds() const;
  bool Serve(std::span<const epoll_event> events);  // true: the inbox has something
  bool EmptyInbox();                                // false: stop
  void ExpireTimers();

  void TakeIn(std::unique_ptr<RelayTunnel> tunnel);
  void HandleEvent(RelayTunnel::Leg& leg, std::uint32_t events);
  void Pump(RelayTunnel& tunnel, std::size_t side);
  void Settle(RelayTunnel& tunnel);
  bool Watch(RelayTunnel::Leg& leg, std::uint32_t events);
  void Unwatch(RelayTunnel& tunnel);
  void Account(RelayTunnel& tunnel, std::uint64_t moved);
  void SetTimer(RelayTunnel& tunnel);

  void Reset(RelayTunnel& tunnel, std::size_t side);
  void End(RelayTunnel& tunnel, TunnelEnding how);
  void EndIf(const TunnelPredicate& predicate);
  std::unique_ptr<RelayTunnel> TakeOut(RelayTunnel& tunnel);
  void HandOver();
  void Bury();
  void Nap();

  const LaneName name_;
  const std::function<RelayClock::time_point()> clock_;
  RelayExchange& exchange_;
  std::atomic<std::size_t>& alive_;

  UniqueFd epoll_;
  RelayScratch scratch_;
  RelayClock::time_point now_;  // read once a turn
  TimerWheel wheel_;            // ticks are seconds of clock_
  std::vector<std::unique_ptr<RelayTunnel>> tunnels_;
  // What this turn did to tunnels. They go at its end: its events may still name them.
  std::vector<RelayTunnel*> leaving_;  // for the other lane
  std::vector<RelayTunnel*> ended_;
  std::uint64_t moved_since_nap_ = 0;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_RELAY_LANE_H_
