#include "proxies/log/tunnel_record.h"

#include "proxies/log/log.h"

namespace detach {

void LogTunnelEnd(const TunnelRecord& tunnel) {
  Log(LogLevel::kInfo, "tunnel_end",
      {{"id", tunnel.id},
       {"peer", tunnel.peer},
       {"client", tunnel.client},
       {"destination", tunnel.destination},
       {"dialled", tunnel.dialled},
       {"mode", tunnel.mode},
       {"covered_up", tunnel.covered_up},
       {"covered_down", tunnel.covered_down},
       {"raw_up", tunnel.raw_up},
       {"raw_down", tunnel.raw_down},
       {"spliced", tunnel.spliced},
       {"duration_ms", tunnel.duration.count()},
       {"ending", tunnel.ending}});
}

}  // namespace detach
