// A program of somebody else's workspace: it begins TLS and looks at what goes to the wire first.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

#include "bio/backend/openssl/openssl_context.h"
#include "bio/session/tls_session.h"

namespace {

void Must(const detach::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

}  // namespace

int main() {
  detach::TlsConfig config;
  config.dangerous_accept_any_peer = true;
  auto context = detach::NewOpenSslContext(config);
  Must(context.status());
  auto backend = (*context)->NewBackend();
  Must(backend.status());
  detach::TlsSession session;
  Must(session.Upgrade(*std::move(backend)));
  const std::span<const std::uint8_t> hello = session.Output();
  std::printf("record type %d, handshake type %d\n", hello[0], hello[5]);
}
