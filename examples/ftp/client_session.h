// The client's side of FTP over TLS, with CCC.
#ifndef DETACH_EXAMPLES_FTP_CLIENT_SESSION_H_
#define DETACH_EXAMPLES_FTP_CLIENT_SESSION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/socket/detachable_socket.h"
#include "bio/status.h"
#include "examples/ftp/account.h"
#include "examples/ftp/control_connection.h"
#include "examples/ftp/data_connection.h"

namespace detach {

// FtpClient talks with one server. Every call ends the session where it fails.
class FtpClient {
 public:
  // Connect connects to `host` and reads its greeting. Borrows `context`, a client's.
  static Result<FtpClient> Connect(const std::string& host, std::uint16_t port,
                                   TlsContext& context);

  // LogIn enters TLS, and logs in under it.
  Status LogIn(const Account& account);

  // Protect chooses what data connections are from here on. Under TLS.
  Status Protect(Protection protection);

  // LeaveTls is CCC: control connections are raw from here on. LogIn may enter TLS again.
  Status LeaveTls();

  // List and Download write to the descriptor `file` (borrowed), Upload reads from it.
  Status List(int file);
  Status Download(const std::string& path, int file);
  Status Upload(int file, const std::string& path);

  Status Quit();

 private:
  using Move = std::function<Status(DataConnection&)>;

  FtpClient(std::string host, DetachableSocket control, TlsContext& context)
      : host_(std::move(host)), control_(std::move(control)), context_(context) {}

  Status Transfer(const std::string& command, const Move& move);
  Result<DataConnection> OpenDataConnection();
  // Command sends a line, and demands a reply with the code `wanted`; Expect only the latter.
  Result<std::string> Command(const std::string& line, int wanted);
  Result<std::string> Expect(int wanted);
  Result<std::string> ReadReply();

  std::string host_;
  ControlConnection control_;
  TlsContext& context_;
  Protection protection_ = Protection::kClear;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_CLIENT_SESSION_H_
