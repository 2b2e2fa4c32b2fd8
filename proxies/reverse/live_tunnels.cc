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

}  // namespace

std::shared_ptr<void> LiveTunnels::Add(const std::vector<Bytes>& chain,
                                       const CertificateNames& client, LiveTunnel tunnel) {
  const std::uint64_t id = tunnel.id;
  decltype(clients_)::iterator owner;
  {
    const std::lock_guard lock(mutex_);
    owner = clients_.try_emplace(chain.front(), Client{chain, client, {}}).first;
    owner->second.tunnels.emplace(id, std::move(tunnel));
  }
  return {nullptr, [this, owner, id](void*) {
            const std::lock_guard lock(mutex_);
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

std::vector<LiveTunnels::Forbidden> LiveTunnels::Judge(
    const ReversePolicy& policy, const std::map<Bytes, Status>& verified) const {
  const std::lock_guard lock(mutex_);
  std::vector<Forbidden> forbidden;
  for (const auto& [leaf, client] : clients_) {
    const auto verdict = verified.find(leaf);
    if (verdict == verified.end()) continue;
    for (const auto& [id, tunnel] : client.tunnels) {
      Status allowed = verdict->second;
      if (allowed.ok()) allowed = CheckRows(policy, client.names, tunnel);
      if (!allowed.ok()) forbidden.push_back({tunnel, client.names.Identity(), allowed});
    }
  }
  return forbidden;
}

void LiveTunnels::EndWhatIsForbidden(const ReversePolicy& policy,
                                     const std::optional<Bytes>& leaf) {
  // Signatures are checked, and the log is written, without the lock: a tunnel's end may wait for
  // it.
  std::map<Bytes, Status> verified;
  for (const auto& [key, chain] : Chains(leaf)) {
    verified.emplace(key, policy.client_chains.Check(chain));
  }
  for (const Forbidden& forbidden : Judge(policy, verified)) {
    Log(LogLevel::kWarning, "no_longer_allowed",
        {{"id", forbidden.tunnel.id},
         {"client", forbidden.client},
         {"destination", forbidden.tunnel.destination.ToString()},
         {"reason", forbidden.why.message()}});
    forbidden.tunnel.end(Incompatible("no longer allowed: " + forbidden.why.message()));
  }
}

}  // namespace detach
