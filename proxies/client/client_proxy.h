// The client proxy: from the browser's CONNECT to a tunnel through the reverse proxy.
#ifndef DETACH_PROXIES_CLIENT_CLIENT_PROXY_H_
#define DETACH_PROXIES_CLIENT_CLIENT_PROXY_H_

#include <asio/awaitable.hpp>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bio/backend/tls_backend.h"
#include "bio/status.h"
#include "proxies/client/config.h"
#include "proxies/net/async_io.h"
#include "proxies/net/server.h"
#include "proxies/tunnel/relay.h"

namespace detach {

// CertificateResponder answers the reverse proxy's certificate requests from the database, and
// remembers the last answer for logs and error pages: with one reverse proxy it is always the same,
// until a certificate expires. Thread-safe.
class CertificateResponder {
 public:
  explicit CertificateResponder(std::vector<std::shared_ptr<const Identity>> identities)
      : identities_(std::move(identities)) {}

  std::shared_ptr<const Identity> Answer(const CertificateRequest& request);

  // last_answer names the identity that was sent last, or says why there was none
  // (IdentityChoice::report).
  std::string last_answer() const;

 private:
  const std::vector<std::shared_ptr<const Identity>> identities_;
  mutable std::mutex mutex_;
  std::string last_answer_ = "the reverse proxy has asked for none";  // under mutex_
};

// ClientPolicy is a configuration in force: a connection keeps the one that it began with.
struct ClientPolicy {
  ClientProxyConfig config;
  std::unique_ptr<CertificateResponder> certificates;
  std::unique_ptr<TlsContext> tls;

  static Result<std::shared_ptr<const ClientPolicy>> Make(ClientProxyConfig config);
};

// ClientProxy serves browsers. Thread-safe.
class ClientProxy {
 public:
  // `relay` outlives this.
  ClientProxy(std::shared_ptr<const ClientPolicy> policy, Relay& relay)
      : policy_(std::move(policy)), relay_(relay) {}

  // Serve takes an accepted connection to its end, or to the relay.
  asio::awaitable<void> Serve(Socket socket, Server::Place place);

  // SetPolicy is in force for connections accepted from now on.
  void SetPolicy(std::shared_ptr<const ClientPolicy> policy);

 private:
  friend class ClientConnection;
  std::shared_ptr<const ClientPolicy> policy() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const ClientPolicy> policy_;  // under mutex_
  Relay& relay_;
  std::atomic<std::uint64_t> next_id_ = 1;
};

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_CLIENT_PROXY_H_
