// Two sessions, back to back, over a wire that a test can cut where it likes.
#ifndef DETACH_TESTS_SUPPORT_SESSION_PAIR_H_
#define DETACH_TESTS_SUPPORT_SESSION_PAIR_H_

#include <cstddef>
#include <string>

#include "bio/backend/tls_backend.h"
#include "bio/session/tls_session.h"
#include "tests/support/session_driver.h"

namespace detach {

// Endpoint is a session and what was read from it.
struct Endpoint {
  TlsSession session;
  Transcript read;
};

// Cut is where a direction's stream is delivered in two parts. Counts down while bytes pass.
struct Cut {
  std::size_t left;
};

// Carry delivers what `from` puts out, reading all after each part. Returns whether there was any.
bool Carry(Endpoint& from, Endpoint& to, Cut* cut = nullptr);

struct SessionPair {
  Endpoint client;
  Endpoint server;

  // StartTls upgrades both ends and carries records until both handshakes are done or one has
  // failed. What a server sends behind its handshake (session tickets) is still in its Output.
  void StartTls(TlsContext& client_context, TlsContext& server_context);

  // Settle carries and reads until nothing moves.
  void Settle();
};

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_SESSION_PAIR_H_
