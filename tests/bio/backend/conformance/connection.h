// A pair of sessions with its contexts and a handshake behind it, good or bad.
#ifndef DETACH_TESTS_BIO_BACKEND_CONFORMANCE_CONNECTION_H_
#define DETACH_TESTS_BIO_BACKEND_CONFORMANCE_CONNECTION_H_

#include <memory>

#include "tests/bio/backend/conformance/conformance_fixture.h"

namespace detach {

struct Connection {
  // Makes contexts of its own and shakes hands.
  Connection(const BackendPair& pair, const TlsConfig& client, const TlsConfig& server)
      : own(std::make_unique<Contexts>(pair, client, server)) {
    Open(*own);
  }
  // Shakes hands over contexts that are shared, as for resumption.
  explicit Connection(Contexts& contexts) { Open(contexts); }

  bool ok() const { return ends.client.session.status().ok() && ends.server.session.status().ok(); }
  TlsSession& client() { return ends.client.session; }
  TlsSession& server() { return ends.server.session; }

  // Both ends leave TLS.
  void Detach() {
    static_cast<void>(client().Detach());
    static_cast<void>(server().Detach());
    ends.Settle();
  }

  std::unique_ptr<Contexts> own;
  SessionPair ends;

 private:
  void Open(Contexts& contexts) {
    ends.StartTls(*contexts.client, *contexts.server);
    ends.Settle();
  }
};

}  // namespace detach

#endif  // DETACH_TESTS_BIO_BACKEND_CONFORMANCE_CONNECTION_H_
