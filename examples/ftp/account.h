// Who logs in.
#ifndef DETACH_EXAMPLES_FTP_ACCOUNT_H_
#define DETACH_EXAMPLES_FTP_ACCOUNT_H_

#include <string>

#include "bio/status.h"

namespace detach {

struct Account {
  std::string name;
  std::string password;
};

// ReadAccount takes the password from the first line of the file at `password_path`: on a command
// line everybody could read it. kIncompatible where there is none.
Result<Account> ReadAccount(const std::string& name, const std::string& password_path);

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_ACCOUNT_H_
