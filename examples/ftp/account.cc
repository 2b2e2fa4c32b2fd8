#include "examples/ftp/account.h"

#include <fstream>

namespace detach {

Result<Account> ReadAccount(const std::string& name, const std::string& password_path) {
  Account account{name, {}};
  std::ifstream file(password_path);
  if (!std::getline(file, account.password) || account.password.empty()) {
    return Incompatible(password_path + ": no password in its first line");
  }
  return account;
}

}  // namespace detach
