#include "tests/bio/backend/conformance/conformance_fixture.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace detach {
namespace {

std::unique_ptr<TlsContext> Make(const ContextFactory& factory, const TlsConfig& config) {
  Result<std::unique_ptr<TlsContext>> context = factory(config);
  if (!context.ok()) {
    std::fprintf(stderr, "no context: %s\n", context.status().message().c_str());
    std::abort();
  }
  return *std::move(context);
}

}  // namespace

const TestPki& SharedPki() {
  static const TestPki* const pki = new TestPki();
  return *pki;
}

TlsConfig ClientConfig(const BackendPair& pair) {
  TlsConfig config;
  config.role = Role::kClient;
  config.min_version = config.max_version = pair.version;
  config.trust_anchors = {SharedPki().server_root.certificate()};
  config.reference_identity = "server.example";
  return config;
}

TlsConfig ServerConfig(const BackendPair& pair) {
  TlsConfig config;
  config.role = Role::kServer;
  config.min_version = config.max_version = pair.version;
  config.identity = SharedPki().server.identity();
  config.peer_certificate = PeerCertificate::kNotRequested;
  return config;
}

void AskForClientCertificate(TlsConfig& client, TlsConfig& server) {
  client.identity = SharedPki().client.identity();
  server.peer_certificate = PeerCertificate::kRequired;
  server.trust_anchors = {SharedPki().client_root.certificate()};
  server.crls = SharedPki().client_crls;
  server.check_revocation = true;
}

Contexts::Contexts(const BackendPair& pair, const TlsConfig& client_config,
                   const TlsConfig& server_config)
    : client(Make(pair.client, client_config)), server(Make(pair.server, server_config)) {}

}  // namespace detach
