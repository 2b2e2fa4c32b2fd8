#include "proxies/reverse/live_tunnels.h"

#include <utility>

#include "proxies/log/log.h"

namespace detach {
namespace {

Status CheckRows(const ReversePolicy& policy, const CertificateNames& client,
                 const LiveTunnel& tunnel) {
  const Result<Grant> grant = Authorize(policy.config.allow, client, tunnel.destination);
  if (!grant.ok() || grant->MayConnect(tunnel.address)) return grant.status();
  return Incompatible("the row's networks do not have " + tunnel.address.ToString());
}

void End(const LiveTunnel& tunnel, const CertificateNames& client, const Status& why) {
  Log(LogLevel::kWarning, "no_longer_allowed",
      {{"id", tunnel.id},
       {"client", client.Identity()},
       {"destination", tunnel.destination.ToString()},
       {"reason", why.message()}});
  tunnel.end(Incompatible("no longer allowed: " + why.message()));
}

}  // namespace

std::shared_ptr<void> LiveTunnels::Add(const std::vector<Bytes>& chain,
                                       const CertificateNames& client, LiveTunnel tunnel) {
  const std::uint64_t id = tunnel.id;
  const std::lock_guard lock(mutex_);
  const auto owner = clients_.try_emplace(chain.front(), Client{chain, client, {}}).first;
  owner->second.tunnels.emplace(id, std::move(tunnel));
  return {nullptr, [this, owner, id](void*) {
            const std::lock_guard relock(mutex_);
            owner->second.tunnels.erase(id);
            if (owner->second.tunnels.empty()) clients_.erase(owner);
          }};
}

std::map<Bytes, std::vector<Bytes>> LiveTunnels::Chains(const std::optional<Bytes>& only) const {
  const std::lock_guard lock(mutex_);
  std::map<Bytes, std::vector<Bytes>> chains;
  for (const auto& [leaf, client] : clients_) {
    if (!only || *only == leaf) chains.emplace(leaf, client.chain);
  }
  return chains;
}

void LiveTunnels::EndWhatIsForbidden(const ReversePolicy& policy,
                                     const std::optional<Bytes>& leaf) {
  std::map<Bytes, Status> verified;
  // Signatures are checked without the lock, for which a tunnel's end may wait.
  for (const auto& [key, chain] : Chains(leaf)) {
    verified.emplace(key, policy.client_chains.Check(chain));
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [key, client] : clients_) {
    const auto verdict = verified.find(key);
    if (verdict == verified.end()) continue;
    for (const auto& [id, tunnel] : client.tunnels) {
      Status allowed = verdict->second;
      if (allowed.ok()) allowed = CheckRows(policy, client.names, tunnel);
      if (!allowed.ok()) End(tunnel, client.names, allowed);
    }
  }
}

}  // namespace detach
