#include "proxies/tunnel/relay_tunnel.h"

#include <sys/socket.h>

namespace detach {
namespace {

// What an abortive close throws away the peer must not take for the whole: it gets RST, not FIN.
void MakeCloseAbortive(int socket) {
  const linger abortive{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &abortive, sizeof(abortive));
}

}  // namespace

void RelayTunnel::CloseSockets(TunnelEnding how) {
  for (Leg& leg : legs) {
    if (how != TunnelEnding::kClosed) MakeCloseAbortive(leg.socket.get());
    leg.socket.reset();
  }
}

void RelayTunnel::Report(TunnelEnding how, RelayClock::time_point now) const {
  if (!on_end) return;
  on_end({id, how, flows[0].count(), flows[1].count(),
          std::chrono::duration_cast<std::chrono::milliseconds>(now - adopted)});
}

}  // namespace detach
