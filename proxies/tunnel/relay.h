// The relay: the raw phase of both proxies' tunnels.
#ifndef DETACH_PROXIES_TUNNEL_RELAY_H_
#define DETACH_PROXIES_TUNNEL_RELAY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "bio/status.h"
#include "proxies/tunnel/pipe_pool.h"
#include "proxies/tunnel/raw_tunnel.h"
#include "proxies/tunnel/relay_exchange.h"
#include "proxies/tunnel/relay_lane.h"

namespace detach {

struct RelayOptions {
  // Pipes that there may be, 256 KiB each: half of the 64 MiB that the kernel lets a user have in
  // pipes, as both proxies may run as one user. Directions that get none are copied.
  std::size_t max_pipes = 128;
  std::function<RelayClock::time_point()> clock = &RelayClock::now;
};

// Relay moves the bytes of raw tunnels between their sockets in the kernel, on threads of its own,
// bytes in order, FIN as FIN and RST as RST, each direction by itself. A failure in one tunnel is
// that tunnel's alone. Members may be called by any thread.
class Relay {
 public:
  // Create makes a relay that takes tunnels, and moves nothing before Start. Fault kInternal when
  // the process is out of descriptors.
  static Result<std::unique_ptr<Relay>> Create(RelayOptions options = {});

  // The destructor does what Shutdown does.
  ~Relay();

  // Start starts the threads, with all signals blocked in them. Call it once. Fault kInternal when
  // the process is out of threads.
  Status Start();

  // Adopt takes the tunnel over; its sockets become non-blocking and send without Nagle's delay.
  // It ends by on_end, and in no other way.
  void Adopt(RawTunnel tunnel);

  // EndIf aborts (RST on both legs) the tunnels whose id `predicate` accepts, those adopted while
  // it runs perhaps too. Returns at once; `predicate` is called on the relay's threads, and may be
  // called on both of them at the same time.
  void EndIf(TunnelPredicate predicate);

  // Shutdown aborts all tunnels and returns when their on_end have returned. Not from an on_end.
  void Shutdown();

  // size returns the number of tunnels adopted and not ended.
  std::size_t size() const { return alive_; }

 private:
  explicit Relay(RelayOptions options);
  Status Open();

  const RelayOptions options_;
  PipePool pipes_;
  std::atomic<std::size_t> alive_ = 0;
  RelayExchange exchange_;
  std::array<RelayLane, 2> lanes_;
  std::vector<std::thread> threads_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_RELAY_H_
