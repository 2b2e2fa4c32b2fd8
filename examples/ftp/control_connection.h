// The control connection of FTP: lines, which travel raw or under TLS.
#ifndef DETACH_EXAMPLES_FTP_CONTROL_CONNECTION_H_
#define DETACH_EXAMPLES_FTP_CONTROL_CONNECTION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/socket/deadline.h"
#include "bio/socket/detachable_socket.h"
#include "bio/status.h"

namespace detach {

// ControlConnection reads and writes lines, for a server or a client. It holds no byte: what stands
// behind a line is still the socket's, and becomes what the socket makes of it. Behind AUTH that is
// TLS input, never a command (CVE-2011-0411); behind a close_notify it is the next raw line.
class ControlConnection {
 public:
  static constexpr std::size_t kMaxLine = 1024;  // bytes, without the end of the line

  explicit ControlConnection(DetachableSocket socket) : socket_(std::move(socket)) {}

  // ReadLine returns the next line without its CR LF, or nullopt where the peer has ended: FIN in
  // clear, close_notify under TLS. kViolation for a line that is too long.
  Result<std::optional<std::string>> ReadLine(const Deadline& deadline);

  // WriteLine sends `text` and CR LF.
  Status WriteLine(std::string_view text);

  // EnterTls and LeaveTls change both directions; see DetachableSocket::Upgrade and Detach.
  Status EnterTls(TlsContext& context) { return socket_.Upgrade(context); }
  Status LeaveTls() { return socket_.Detach(); }

  // AnswerLeaveTls is LeaveTls for the end that lets the other begin: its close_notify first, then
  // ours.
  Status AnswerLeaveTls(const Deadline& deadline);

  // EndTls says that nothing more will be sent. Before the connection is closed under TLS.
  Status EndTls() { return socket_.DetachSending(); }

 private:
  DetachableSocket socket_;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_CONTROL_CONNECTION_H_
