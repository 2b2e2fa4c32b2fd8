// The conversation that detach_echo has on one connection.
#ifndef DETACH_EXAMPLES_ECHO_CONNECTION_H_
#define DETACH_EXAMPLES_ECHO_CONNECTION_H_

#include <string>
#include <string_view>

#include "bio/session/tls_session.h"
#include "bio/status.h"
#include "examples/echo_stream.h"

namespace detach {

// EchoConnection echoes lines, under TLS and raw, and changes between the two on demand:
//   under TLS  DETACH           answered GO and our close_notify; then the peer's; then raw
//              DETACH AFTER ME  answered GO; then the peer's close_notify; then ours, and READY raw
//                               right behind it
//              DETACH AT ONCE   answered GO, our close_notify, and READY raw right behind it; then
//                               the peer's close_notify (TLS 1.3)
//   raw        TLS              answered OK, then a new handshake on the same connection
//   either     QUIT             closes
class EchoConnection {
 public:
  // Borrows `stream`, which is raw.
  explicit EchoConnection(EchoStream& stream) : stream_(stream) {}

  // Run converses until QUIT or the peer's end, beginning under TLS. Returns why it ended
  // otherwise.
  Status Run();

  // detached returns how often TLS was left.
  int detached() const noexcept { return detached_; }

 private:
  enum class Ending { kDetach, kDetachAfterPeer, kDetachAtOnce, kTls, kQuit };

  Result<Ending> EchoLines(Origin origin);
  Status LeaveTls(Ending how);
  Status AwaitPeerDetached();
  Result<std::string> ReadLine();
  Status Say(std::string_view text);

  EchoStream& stream_;
  int detached_ = 0;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_ECHO_CONNECTION_H_
