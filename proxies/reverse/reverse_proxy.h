// The reverse proxy: who may go where, and the way of one connection from accept to raw.
#ifndef DETACH_PROXIES_REVERSE_REVERSE_PROXY_H_
#define DETACH_PROXIES_REVERSE_REVERSE_PROXY_H_

#include <asio/awaitable.hpp>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "proxies/net/async_io.h"
#include "proxies/net/quota.h"
#include "proxies/net/server.h"
#include "proxies/reverse/live_tunnels.h"
#include "proxies/reverse/reverse_policy.h"
#include "proxies/tunnel/relay.h"
#include "proxies/tunnel/thread_room.h"

namespace detach {

// ReverseProxy serves connections. Thread-safe.
class ReverseProxy {
 public:
  using Policy = ReversePolicy;
  static constexpr Role kRole = Role::kServer;
  static constexpr bool kConfined = true;

  // `relay` outlives this.
  ReverseProxy(std::shared_ptr<const ReversePolicy> policy, Relay& relay)
      : policy_(std::move(policy)), relay_(relay) {}

  // Serve takes an accepted connection to its end, or to the relay.
  asio::awaitable<void> Serve(Socket socket, Server::Place place);

  // SetPolicy is in force for connections accepted from now on. Tunnels that it does not allow end.
  void SetPolicy(const std::shared_ptr<const ReversePolicy>& policy);

 private:
  friend class ReverseConnection;
  std::shared_ptr<const ReversePolicy> policy() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const ReversePolicy> policy_;  // under mutex_
  Relay& relay_;
  Quota handshakes_;  // of all, by the empty key
  Quota sources_;     // connections, by peer address
  Quota clients_;     // tunnels, by the client's SPKI
  LiveTunnels tunnels_;
  ThreadRoom room_;  // of loopback pairs, and of handshakes that a keeper may block
  std::atomic<std::uint64_t> next_id_ = 1;
};

}  // namespace detach

#endif  // DETACH_PROXIES_REVERSE_REVERSE_PROXY_H_
