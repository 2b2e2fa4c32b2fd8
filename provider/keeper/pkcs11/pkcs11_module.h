// PKCS#11 modules: the tokens that they show, and logging in there.
#ifndef DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_MODULE_H_
#define DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_MODULE_H_

#include <p11-kit/pkcs11.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bio/status.h"

namespace detach {

// Token is what is in one slot of a module at the moment.
struct Token {
  CK_SLOT_ID slot = 0;
  CK_TOKEN_INFO info = {};

  // Key tells tokens apart, also those that come into the same slot one after the other.
  std::string Key() const;
};

// WhyNotLogIn returns why a PIN is not even tried at a token with these CKF_… flags, where it wants
// one; empty: it may be.
std::string WhyNotLogIn(CK_FLAGS flags);

// Pkcs11Module is a module that this process has loaded and initialised. It stays so until the
// process ends: others, pkcs11-provider above all, use it too.
class Pkcs11Module {
 public:
  // Load loads the shared object at `path`, which dlopen finds, and initialises it with
  // `parameters`, of which the module says what they are; empty: none. kMisuse, beginning with the
  // path, where that fails.
  static Result<std::unique_ptr<Pkcs11Module>> Load(const std::string& path,
                                                    const std::string& parameters);

  const std::string& path() const noexcept { return path_; }

  // Tokens returns those that are there and in use. kMisuse where the module fails.
  Result<std::vector<Token>> Tokens() const;

  // LogIn gives this process the use of the private keys of `token`. `pin` is empty where there is
  // none. A token that has refused a PIN is not asked again, with whatever PIN, for as long as this
  // object lives: cards lock after a few. kMisuse says why it is refused, or fails.
  Status LogIn(const Token& token, const std::string& pin);

  // Signs tells whether `token` has `mechanism`.
  bool Signs(const Token& token, CK_MECHANISM_TYPE mechanism) const;

 private:
  struct Login {
    CK_SESSION_HANDLE session = 0;  // that keeps it
    Status refusal;                 // ok: logged in
  };

  Pkcs11Module(std::string path, CK_FUNCTION_LIST* functions)
      : path_(std::move(path)), functions_(functions) {}

  Login Try(CK_SESSION_HANDLE session, const std::string& pin) const;
  bool Lives(const Login& login) const;

  std::string path_;
  CK_FUNCTION_LIST* functions_;          // the module's
  std::map<std::string, Login> logins_;  // by Token::Key, of those where a PIN was tried
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_MODULE_H_
