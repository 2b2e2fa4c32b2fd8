// What a server lets a client do when: AUTH, PBSZ, PROT, CCC, USER and PASS.
#ifndef DETACH_EXAMPLES_FTP_SECURITY_STATE_H_
#define DETACH_EXAMPLES_FTP_SECURITY_STATE_H_

#include <string>
#include <utility>

#include "examples/ftp/account.h"
#include "examples/ftp/data_connection.h"

namespace detach {

struct Reply {
  int code;
  std::string text;
};

// SecurityState answers the commands that decide who the client is and what protects it (RFC 4217,
// RFC 2228). It does no I/O: where EnterTls or LeaveTls is due, the caller does it behind the
// reply.
//
//   raw ──AUTH TLS──▶ TLS ──USER, PASS──▶ logged in ──CCC──▶ raw, logged in ──AUTH TLS──▶ TLS …
//
// A password is taken under TLS only. Each AUTH TLS begins anew: nobody is logged in, data
// connections are clear (RFC 4217 §4).
class SecurityState {
 public:
  // Where `ccc_allowed` is false, CCC is refused by policy.
  SecurityState(Account account, bool ccc_allowed)
      : account_(std::move(account)), ccc_allowed_(ccc_allowed) {}

  Reply Auth(const std::string& mechanism);  // 234: enter TLS now
  Reply Ccc(const std::string& argument);    // 200: leave TLS now
  Reply User(const std::string& name);
  Reply Pass(const std::string& password);
  Reply Pbsz(const std::string& size);
  Reply Prot(const std::string& level);

  bool under_tls() const noexcept { return under_tls_; }
  bool logged_in() const noexcept { return logged_in_; }
  Protection protection() const noexcept { return protection_; }

 private:
  Account account_;
  bool ccc_allowed_;
  bool under_tls_ = false;
  bool logged_in_ = false;
  bool pbsz_given_ = false;
  Protection protection_ = Protection::kClear;
  std::string user_;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_SECURITY_STATE_H_
