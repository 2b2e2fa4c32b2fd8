// One client's conversation with the FTP server.
#ifndef DETACH_EXAMPLES_FTP_SERVER_SESSION_H_
#define DETACH_EXAMPLES_FTP_SERVER_SESSION_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/socket/deadline.h"
#include "bio/socket/detachable_socket.h"
#include "bio/status.h"
#include "examples/ftp/account.h"
#include "examples/ftp/control_connection.h"
#include "examples/ftp/data_connection.h"
#include "examples/ftp/folder.h"
#include "examples/ftp/passive_listener.h"
#include "examples/ftp/security_state.h"

namespace detach {

// What all sessions of a server share. Borrowed by each, and not changed.
struct FtpService {
  TlsContext& context;
  const Folder& folder;
  Account account;
  bool ccc_allowed = true;
};

// FtpSession answers one client's commands until QUIT or the client's end.
class FtpSession {
 public:
  FtpSession(const FtpService& service, DetachableSocket control, const Endpoints& ends)
      : service_(service),
        ends_(ends),
        control_(std::move(control)),
        security_(service.account, service.ccc_allowed) {}

  // Run returns why the session ended, where not in order.
  Status Run();

  // left_tls returns how often TLS was left.
  int left_tls() const noexcept { return left_tls_; }

 private:
  struct Command;
  static const Command kCommands[];

  Deadline NextDeadline() const;
  Status Carry(const std::string& line);
  Status Say(const Reply& reply);

  Status Auth(const std::string& mechanism);
  Status Ccc(const std::string& argument);
  Status User(const std::string& name) { return Say(security_.User(name)); }
  Status Pass(const std::string& password) { return Say(security_.Pass(password)); }
  Status Pbsz(const std::string& size) { return Say(security_.Pbsz(size)); }
  Status Prot(const std::string& level) { return Say(security_.Prot(level)); }
  Status Feat(const std::string& argument);
  Status Syst(const std::string& argument);
  Status Noop(const std::string& argument);
  Status Quit(const std::string& argument);
  Status Pwd(const std::string& argument);
  Status Type(const std::string& type);
  Status Size(const std::string& path);
  Status Pasv(const std::string& argument);
  Status Epsv(const std::string& protocol);
  Status List(const std::string& path);
  Status Nlst(const std::string& path);
  Status Retr(const std::string& path);
  Status Stor(const std::string& path);

  using Move = std::function<Status(DataConnection&)>;
  Status Listen();
  Status SendListing(const std::string& path, Folder::Listing listing);
  Status Transfer(const Move& move);
  Status MoveOverDataConnection(const Move& move);

  const FtpService& service_;
  const Endpoints ends_;
  const Deadline login_deadline_{std::chrono::minutes(1)};
  ControlConnection control_;
  SecurityState security_;
  std::optional<PassiveListener> passive_;
  bool image_ = false;  // TYPE I
  int left_tls_ = 0;
  bool quit_ = false;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_SERVER_SESSION_H_
