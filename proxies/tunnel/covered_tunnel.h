// The covered phase of a tunnel: from the 2xx until both directions are raw, or to its end.
#ifndef DETACH_PROXIES_TUNNEL_COVERED_TUNNEL_H_
#define DETACH_PROXIES_TUNNEL_COVERED_TUNNEL_H_

#include <asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "proxies/net/async_io.h"
#include "proxies/tunnel/detach_field.h"
#include "proxies/tunnel/raw_tunnel.h"
#include "proxies/tunnel/tls_leg.h"
#include "proxies/tunnel/tunnel_cut.h"

namespace detach {

// Which of the two proxies this is: the plain leg is the browser's, or the destination's.
enum class Side { kClientProxy, kReverseProxy };

struct CoveredTunnelLimits {
  std::chrono::milliseconds idle;      // without a byte in either direction
  std::chrono::milliseconds lifetime;  // of the whole tunnel
  std::chrono::milliseconds detach;    // for the answer to our close_notify (kConnect)
};

struct CoveredTunnelOptions {
  Side side = Side::kReverseProxy;
  std::optional<DetachMode> agreed;  // none: an ordinary tunnel, inside TLS to its end
  Bytes early;                       // came under TLS behind the CONNECT exchange
  CoveredTunnelLimits limits;
  std::shared_ptr<TunnelCut> cut;  // may be null
};

// Bytes of one direction, as the plain leg has them.
struct Traffic {
  std::uint64_t covered = 0;  // inside the outer TLS
  std::uint64_t raw = 0;      // behind it, moved here; the relay counts its own
};

struct CoveredTunnelEnd {
  // Not ok: why the tunnel was cut; both legs have been reset. Ok: it ended with both directions'
  // FIN, or `raw` has it.
  Status status;
  Traffic up;    // from the browser to the destination
  Traffic down;  // back
  // Both directions are raw and every queue is empty: for the relay, which needs only id, limits
  // and on_end. a is the outer leg, b the plain one.
  std::optional<RawTunnel> raw;
};

// RunCoveredTunnel moves bytes between `outer`, whose handshake and CONNECT exchange are done, and
// `plain`, and keeps the cover rule (docs/PROTOCOL.md): inner handshake bytes stay under the outer
// TLS; each direction leaves it right before the first application data record after arming.
asio::awaitable<CoveredTunnelEnd> RunCoveredTunnel(TlsLeg& outer, Socket& plain,
                                                   CoveredTunnelOptions options);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_COVERED_TUNNEL_H_
