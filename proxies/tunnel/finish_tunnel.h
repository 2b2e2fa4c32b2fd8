// A tunnel's end: on to the relay, and one line in the log when it is over.
#ifndef DETACH_PROXIES_TUNNEL_FINISH_TUNNEL_H_
#define DETACH_PROXIES_TUNNEL_FINISH_TUNNEL_H_

#include <chrono>
#include <memory>
#include <vector>

#include "proxies/log/tunnel_record.h"
#include "proxies/tunnel/covered_tunnel.h"
#include "proxies/tunnel/relay.h"

namespace detach {

// TunnelOwner is what outlives the coroutine that set a tunnel up.
struct TunnelOwner {
  Side side = Side::kReverseProxy;
  std::chrono::steady_clock::time_point accepted = std::chrono::steady_clock::now();
  TunnelRecord record;                        // bytes, duration and ending are filled in
  std::vector<std::shared_ptr<void>> places;  // in quotas, kept to the tunnel's end
};

// FinishTunnel hands a tunnel that became raw to `relay`; it logs one that did not at once, the
// other when it is over there.
void FinishTunnel(CoveredTunnelEnd end, TunnelOwner owner, const CoveredTunnelLimits& limits,
                  Relay& relay);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_FINISH_TUNNEL_H_
