// The reverse proxy's configuration file, read and checked.
#ifndef DETACH_PROXIES_REVERSE_CONFIG_H_
#define DETACH_PROXIES_REVERSE_CONFIG_H_

#include <chrono>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "proxies/config/settings.h"
#include "proxies/identity/keeper_table.h"
#include "proxies/identity/kept_identities.h"
#include "proxies/reverse/authorization.h"

namespace detach {

// ReverseProxyLimits: how long each stage may take, and how many there may be at a time:
// against slow and greedy peers.
struct ReverseProxyLimits {
  using Milliseconds = std::chrono::milliseconds;

  Milliseconds handshake;  // from accept to the end of the TLS handshake
  Milliseconds request;    // from there to the end of the CONNECT request
  Milliseconds dial;       // resolving and connecting, all addresses together
  Milliseconds detach;     // from the first close_notify of a detach to the second, mode "connect"
  Milliseconds idle;       // without a byte in either direction
  Milliseconds lifetime;   // of a tunnel, whatever it does
  Milliseconds drain;      // from SIGTERM until the tunnels that are left are cut
  int max_connections;
  int max_handshakes;              // connections that have not finished their handshake
  int max_tunnels_per_client;      // by client certificate
  int max_connections_per_source;  // by peer address
};

// Pairing is what the TLS of the listener's connections is left with (docs/ARCHITECTURE.md).
enum class Pairing {
  kNone,      // a TLS stack behind the record gate
  kLoopback,  // a stock libssl that knows nothing of detaching, behind a loopback pair
};

struct ReverseProxyConfig {
  std::vector<std::string> files;  // that it was read from: the configuration, and what that names
  std::vector<ListenAddress> listen;
  LocatedString pid_file;  // empty: none
  int threads = 0;         // 0: one per processor
  std::string backend;     // a name among NamedBackends()
  KeptIdentities keeper;   // whose keys `tls` may refer to
  TlsConfig tls;           // for the listener, with what its files hold
  Pairing pairing = Pairing::kNone;
  DetachModes detach;
  std::vector<AllowRow> allow;
  ReverseProxyLimits limits;
  LogSettings log;
};

// LoadReverseProxyConfig reads the file at `path` and every file that it names, and starts nothing
// but, by `start`, a keeper. The error (kMisuse) is one line: "path:line:column: what is wrong;
// what to do".
Result<ReverseProxyConfig> LoadReverseProxyConfig(const std::string& path,
                                                  const StartKeeper& start);

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_CONFIG_H_
