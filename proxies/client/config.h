// The client proxy's configuration file, read and checked.
#ifndef DETACH_PROXIES_CLIENT_CONFIG_H_
#define DETACH_PROXIES_CLIENT_CONFIG_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "proxies/config/settings.h"
#include "proxies/identity/certificate_database.h"
#include "proxies/identity/keeper_table.h"
#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/host_pattern.h"

namespace detach {

// ClientProxyLimits: how long each stage may take, and how many there may be at a time.
struct ClientProxyLimits {
  using Milliseconds = std::chrono::milliseconds;

  Milliseconds request;    // from accept to the end of the browser's CONNECT request
  Milliseconds dial;       // resolving and connecting to the reverse proxy, all addresses together
  Milliseconds handshake;  // with the reverse proxy
  Milliseconds response;   // from our CONNECT to the reverse proxy's answer
  Milliseconds detach;     // from the first close_notify of a detach to the second, mode "connect"
  Milliseconds idle;       // without a byte in either direction
  Milliseconds lifetime;   // of a tunnel, whatever it does
  Milliseconds drain;      // from SIGTERM until the tunnels that are left are cut
  int max_connections;
};

struct ClientProxyConfig {
  std::vector<ListenAddress> listen;
  LocatedString pid_file;  // empty: none
  int threads = 0;         // 0: one per processor

  std::shared_ptr<CertificateDatabase> database;  // never null

  Authority reverse_proxy;
  std::optional<Authority> via;  // an HTTP proxy on the way to it
  std::string backend;           // a name among NamedBackends()
  TlsConfig tls;                 // towards the reverse proxy; choose_identity is left to the caller
  DetachModes detach;
  std::vector<HostPattern> mapped_hosts;  // these through the reverse proxy, others directly
  ClientProxyLimits limits;
  LogSettings log;
};

// LoadClientProxyConfig reads the file at `path` and every file that it names, and starts nothing
// but, by `start`, a keeper. The error (kMisuse) is one line: "path:line:column: what is wrong;
// what to do".
Result<ClientProxyConfig> LoadClientProxyConfig(const std::string& path, const StartKeeper& start);

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_CONFIG_H_
