// The compact object that stays of a tunnel in its raw phase.
#ifndef DETACH_PROXIES_TUNNEL_RELAY_TUNNEL_H_
#define DETACH_PROXIES_TUNNEL_RELAY_TUNNEL_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "bio/socket/unique_fd.h"
#include "proxies/tunnel/byte_rate.h"
#include "proxies/tunnel/raw_tunnel.h"
#include "proxies/tunnel/relay_flow.h"
#include "proxies/tunnel/timer_wheel.h"

namespace detach {

using RelayClock = std::chrono::steady_clock;

// The relay's two loops: one answers at once, one gathers bytes before it moves them.
enum class LaneName : std::uint8_t { kInteractive, kBulk };

// RelayTunnel belongs to one lane at a time, on whose thread alone it is touched.
struct RelayTunnel : TimerNode {
  struct Leg {
    RelayTunnel* tunnel = nullptr;
    UniqueFd socket;
    std::uint32_t watched = 0;  // the epoll events asked for; 0: not in the lane's epoll set
  };

  RelayTunnel(RawTunnel raw, RelayClock::time_point now)
      : id(raw.id),
        legs{Leg{this, std::move(raw.a)}, Leg{this, std::move(raw.b)}},
        flows{RelayFlow(std::move(raw.a_to_b)), RelayFlow(std::move(raw.b_to_a))},
        idle_limit(raw.idle_limit),
        lifetime_limit(raw.lifetime_limit),
        adopted(now),
        last_moved(now),
        rate(now),
        on_end(std::move(raw.on_end)) {}
  RelayTunnel(const RelayTunnel&) = delete;  // the legs point to it, and so does epoll
  RelayTunnel& operator=(const RelayTunnel&) = delete;

  // CloseSockets closes both legs, by RST unless the tunnel came to its end.
  void CloseSockets(TunnelEnding how);

  // Report calls on_end. Precondition: the sockets are closed.
  void Report(TunnelEnding how, RelayClock::time_point now) const;

  std::uint64_t id;
  std::array<Leg, 2> legs;         // a, b
  std::array<RelayFlow, 2> flows;  // flows[side] reads legs[side] and writes legs[1 - side]
  std::size_t place = 0;           // in its lane's list
  bool ended = false;              // its sockets are closed; it goes after this turn of the lane

  std::chrono::seconds idle_limit;
  std::chrono::seconds lifetime_limit;
  RelayClock::time_point adopted;
  RelayClock::time_point last_moved;

  ByteRate rate;
  LaneName lane = LaneName::kInteractive;  // where it belongs by its rate

  std::function<void(const TunnelEnd&)> on_end;
};

// The whole user memory of an idle raw tunnel, but for what on_end has captured.
static_assert(sizeof(RelayTunnel) <= 512);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_RELAY_TUNNEL_H_
