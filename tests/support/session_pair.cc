#include "tests/support/session_pair.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace detach {
namespace {

void Upgrade(TlsSession& session, TlsContext& context) {
  Result<std::unique_ptr<TlsBackend>> backend = context.NewBackend();
  if (!backend.ok()) {
    std::fprintf(stderr, "no backend: %s\n", backend.status().message().c_str());
    std::abort();
  }
  // A failure is latched in the session: the test sees it there.
  static_cast<void>(session.Upgrade(*std::move(backend)));
}

// Deliver feeds one part and reads. A session that has failed takes no more.
void Deliver(Endpoint& to, std::string_view part) {
  if (part.empty() || !to.session.status().ok()) return;
  static_cast<void>(Feed(to.session, part));
  ReadAll(to.session, to.read);
}

}  // namespace

bool Carry(Endpoint& from, Endpoint& to, Cut* cut) {
  const std::string wire = TakeOutput(from.session);
  const std::size_t first = cut == nullptr ? 0 : std::min(cut->left, wire.size());
  if (cut != nullptr) cut->left -= first;
  Deliver(to, std::string_view(wire).substr(0, first));
  Deliver(to, std::string_view(wire).substr(first));
  return !wire.empty();
}

void SessionPair::StartTls(TlsContext& client_context, TlsContext& server_context) {
  Upgrade(server.session, server_context);
  Upgrade(client.session, client_context);
  while (!client.session.handshake_done() || !server.session.handshake_done()) {
    if (!Carry(client, server) && !Carry(server, client)) return;
  }
}

void SessionPair::Settle() {
  while (Carry(client, server) || Carry(server, client)) continue;
}

}  // namespace detach
