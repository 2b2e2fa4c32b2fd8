// The client proxy: from the browser's CONNECT to a tunnel through the reverse proxy.
#ifndef DETACH_PROXIES_CLIENT_CLIENT_PROXY_H_
#define DETACH_PROXIES_CLIENT_CLIENT_PROXY_H_

#include <asio/awaitable.hpp>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "proxies/client/client_policy.h"
#include "proxies/net/async_io.h"
#include "proxies/net/server.h"
#include "proxies/tunnel/relay.h"
#include "proxies/tunnel/thread_room.h"

namespace detach {

// ClientProxy serves browsers. Thread-safe.
class ClientProxy {
 public:
  using Policy = ClientPolicy;
  static constexpr Role kRole = Role::kClient;
  static constexpr bool kConfined = false;  // its certificates lie wherever its user has them

  // `relay` outlives this.
  ClientProxy(std::shared_ptr<const ClientPolicy> policy, Relay& relay);

  // Serve takes an accepted connection to its end, or to the relay.
  asio::awaitable<void> Serve(Socket socket, Server::Place place);

  // SetPolicy is in force for connections accepted from now on.
  void SetPolicy(std::shared_ptr<const ClientPolicy> policy);

 private:
  friend class ClientConnection;
  std::shared_ptr<const ClientPolicy> policy() const;

  ThreadRoom room_;  // of handshakes that may block
  mutable std::mutex mutex_;
  std::shared_ptr<const ClientPolicy> policy_;  // under mutex_
  Relay& relay_;
  std::atomic<std::uint64_t> next_id_ = 1;
};

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_CLIENT_PROXY_H_
