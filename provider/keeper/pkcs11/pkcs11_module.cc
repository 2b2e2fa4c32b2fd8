#include "provider/keeper/pkcs11/pkcs11_module.h"

#include <dlfcn.h>
#include <p11-kit/p11-kit.h>

#include <cstdio>
#include <string_view>

namespace detach {
namespace {

template <std::size_t Size>
std::string_view Field(const unsigned char (&field)[Size]) {
  return {reinterpret_cast<const char*>(field), Size};
}

std::string Reason(CK_RV code) {
  char number[32] = {};
  std::snprintf(number, sizeof number, " (0x%lx)", static_cast<unsigned long>(code));
  return p11_kit_strerror(code) + std::string(number);
}

Result<CK_FUNCTION_LIST*> FunctionsOf(const std::string& path) {
  // Never closed: see the class.
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* error = ::dlerror();
    return Misuse(path + ": the PKCS#11 module cannot be loaded: " +
                  (error != nullptr ? error : "no reason given"));
  }
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(module, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr || get(&functions) != CKR_OK || functions == nullptr) {
    return Misuse(path + ": is no PKCS#11 module (it has no C_GetFunctionList)");
  }
  return functions;
}

Status NoLogin(CK_RV code) { return Misuse("does not let the keeper log in: " + Reason(code)); }

}  // namespace

std::string Token::Key() const {
  std::string key = std::to_string(slot);
  for (const std::string_view field : {Field(info.label), Field(info.manufacturerID),
                                       Field(info.model), Field(info.serialNumber)}) {
    key.append(1, '\0').append(field);
  }
  return key;
}

std::string WhyNotLogIn(CK_FLAGS flags) {
  if ((flags & CKF_USER_PIN_INITIALIZED) == 0) return "has no PIN yet; initialise it";
  if ((flags & CKF_USER_PIN_LOCKED) != 0) return "is locked: too many wrong PINs";
  if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return "would be locked by one more wrong PIN, and so the keeper does not try; log in with a "
           "program of the token's first";
  }
  return {};
}

Result<std::unique_ptr<Pkcs11Module>> Pkcs11Module::Load(const std::string& path,
                                                         const std::string& parameters) {
  const Result<CK_FUNCTION_LIST*> functions = FunctionsOf(path);
  if (!functions.ok()) return functions.status();
  CK_C_INITIALIZE_ARGS arguments = {};
  arguments.flags = CKF_OS_LOCKING_OK;
  // NSS has its LibraryParameters in this place.
  arguments.pReserved = parameters.empty() ? nullptr : const_cast<char*>(parameters.c_str());
  const CK_RV code = (*functions)->C_Initialize(&arguments);
  if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    return Misuse(path + ": the PKCS#11 module does not start: " + Reason(code));
  }
  return std::unique_ptr<Pkcs11Module>(new Pkcs11Module(path, *functions));
}

Result<std::vector<Token>> Pkcs11Module::Tokens() const {
  constexpr CK_ULONG kMaxSlots = 256;
  std::vector<CK_SLOT_ID> slots(kMaxSlots);
  CK_ULONG count = 0;
  // PKCS#11: modules look for new tokens when they are asked how many there are.
  functions_->C_GetSlotList(CK_TRUE, nullptr, &count);
  count = kMaxSlots;
  const CK_RV code = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (code != CKR_OK) return Misuse(path_ + ": does not say which tokens it has: " + Reason(code));
  std::vector<Token> tokens;
  for (CK_ULONG i = 0; i < count; ++i) {
    Token token;
    token.slot = slots[i];
    const bool there = functions_->C_GetTokenInfo(token.slot, &token.info) == CKR_OK;
    if (there && (token.info.flags & CKF_TOKEN_INITIALIZED) != 0) tokens.push_back(token);
  }
  return tokens;
}

bool Pkcs11Module::Lives(const Login& login) const {
  CK_SESSION_INFO session = {};
  return functions_->C_GetSessionInfo(login.session, &session) == CKR_OK &&
         (session.state == CKS_RO_USER_FUNCTIONS || session.state == CKS_RW_USER_FUNCTIONS);
}

Pkcs11Module::Login Pkcs11Module::Try(CK_SESSION_HANDLE session, const std::string& pin) const {
  const auto* bytes = reinterpret_cast<const unsigned char*>(pin.data());
  const CK_RV code = functions_->C_Login(session, CKU_USER, const_cast<unsigned char*>(bytes),
                                         static_cast<CK_ULONG>(pin.size()));
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return {session, {}};
  functions_->C_CloseSession(session);
  const bool wrong =
      code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE;
  return {0, wrong
                 ? Misuse("refuses the PIN; it is not tried again before the configuration is read "
                          "again")
                 : NoLogin(code)};
}

Status Pkcs11Module::LogIn(const Token& token, const std::string& pin) {
  if ((token.info.flags & CKF_LOGIN_REQUIRED) == 0) return {};
  const auto before = logins_.find(token.Key());
  if (before != logins_.end() && !before->second.refusal.ok()) return before->second.refusal;
  if (before != logins_.end() && Lives(before->second)) return {};
  if (const std::string reason = WhyNotLogIn(token.info.flags); !reason.empty()) {
    return Misuse(reason);
  }
  if (pin.empty()) {
    return Misuse("wants a PIN; write it to a file, and add to the URI: ?pin-source=file:/path");
  }
  CK_SESSION_HANDLE session = 0;
  const CK_RV code =
      functions_->C_OpenSession(token.slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session);
  // Not remembered: no PIN has been tried.
  if (code != CKR_OK) return NoLogin(code);
  return (logins_[token.Key()] = Try(session, pin)).refusal;
}

bool Pkcs11Module::Signs(const Token& token, CK_MECHANISM_TYPE mechanism) const {
  CK_MECHANISM_INFO properties = {};
  return functions_->C_GetMechanismInfo(token.slot, mechanism, &properties) == CKR_OK &&
         (properties.flags & CKF_SIGN) != 0;
}

}  // namespace detach
