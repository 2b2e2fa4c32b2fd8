// The tunnels that there are, by client, so that those can be ended that may not go on.
#ifndef DETACH_PROXIES_REVERSE_LIVE_TUNNELS_H_
#define DETACH_PROXIES_REVERSE_LIVE_TUNNELS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "proxies/identity/certificate_names.h"
#include "proxies/reverse/reverse_policy.h"
#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/ip_address.h"

namespace detach {

// LiveTunnel is what its right to be there hangs on, and how to end it.
struct LiveTunnel {
  std::uint64_t id = 0;
  Authority destination;
  IpAddress address;                           // to which that resolved, and which was dialled
  std::function<void(const Status& why)> end;  // for any thread; returns at once
};

// LiveTunnels keeps tunnels from the agreement to their end, covered or raw: a client whose
// certificate is revoked must not keep what he had open. Thread-safe.
class LiveTunnels {
 public:
  // Add keeps `tunnel` until the returned place is gone; that must be before this. `chain` (DER)
  // and `client` are the same for all tunnels of one certificate.
  [[nodiscard]] std::shared_ptr<void> Add(const std::vector<Bytes>& chain,
                                          const CertificateNames& client, LiveTunnel tunnel);

  // EndWhatIsForbidden ends the tunnels whose client does not verify by `policy`, or may not go by
  // its rows where the tunnel goes, by name and by address; one "no_longer_allowed" line in the log
  // for each. With `leaf` only those of that client; without, not those of clients that come
  // meanwhile.
  void EndWhatIsForbidden(const ReversePolicy& policy,
                          const std::optional<Bytes>& leaf = std::nullopt);

 private:
  struct Client {
    std::vector<Bytes> chain;
    CertificateNames names;
    std::map<std::uint64_t, LiveTunnel> tunnels;
  };

  struct Forbidden {
    LiveTunnel tunnel;
    std::string client;
    Status why;
  };

  std::vector<Forbidden> Judge(const ReversePolicy& policy,
                               const std::map<Bytes, Status>& verified) const;
  std::map<Bytes, std::vector<Bytes>> Chains(const std::optional<Bytes>& leaf) const;

  mutable std::mutex mutex_;
  std::map<Bytes, Client> clients_;  // by leaf certificate; under mutex_
};

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_LIVE_TUNNELS_H_
