#include "proxies/tunnel/finish_tunnel.h"

#include <algorithm>
#include <string>
#include <utility>

namespace detach {
namespace {

using std::chrono::ceil;
using std::chrono::seconds;

// Leg a is the outer one: towards the reverse proxy, or towards the client.
std::string EndingText(TunnelEnding ending, Side side) {
  const bool client_proxy = side == Side::kClientProxy;
  switch (ending) {
    case TunnelEnding::kClosed:
      return "closed";
    case TunnelEnding::kResetByA:
      return client_proxy ? "reset by the reverse proxy" : "reset by the client";
    case TunnelEnding::kResetByB:
      return client_proxy ? "reset by the browser" : "reset by the destination";
    case TunnelEnding::kIdle:
      return "idle limit reached";
    case TunnelEnding::kLifetime:
      return "lifetime limit reached";
    case TunnelEnding::kAborted:
      return "aborted";
  }
  return "?";
}

void LogEnd(TunnelOwner& owner, std::string ending) {
  owner.record.duration = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - owner.accepted);
  owner.record.ending = std::move(ending);
  LogTunnelEnd(owner.record);
}

void Count(TunnelOwner& owner, const TunnelEnd& end) {
  const bool outer_is_up = owner.side == Side::kReverseProxy;
  owner.record.raw_up = (outer_is_up ? end.a_to_b : end.b_to_a).bytes;
  owner.record.raw_down = (outer_is_up ? end.b_to_a : end.a_to_b).bytes;
  owner.record.spliced = end.a_to_b.spliced + end.b_to_a.spliced;
}

}  // namespace

void FinishTunnel(CoveredTunnelEnd end, TunnelOwner owner, const CoveredTunnelLimits& limits,
                  Relay& relay) {
  owner.record.covered_up = end.up.covered;
  owner.record.covered_down = end.down.covered;
  owner.record.raw_up = end.up.raw;
  owner.record.raw_down = end.down.raw;
  if (!end.raw) return LogEnd(owner, end.status.ok() ? "closed" : end.status.message());

  RawTunnel raw = *std::move(end.raw);
  raw.id = owner.record.id;
  raw.idle_limit = ceil<seconds>(limits.idle);
  // What is left of it: the relay counts from now. 0 would be no limit.
  const auto lived = std::chrono::steady_clock::now() - owner.accepted;
  raw.lifetime_limit = std::max(ceil<seconds>(limits.lifetime - lived), seconds(1));
  raw.on_end = [owner = std::move(owner)](const TunnelEnd& tunnel) mutable {
    Count(owner, tunnel);
    LogEnd(owner, EndingText(tunnel.how, owner.side));
  };
  relay.Adopt(std::move(raw));
}

}  // namespace detach
