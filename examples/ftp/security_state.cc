#include "examples/ftp/security_state.h"

#include <openssl/crypto.h>

namespace detach {
namespace {

// Takes as long for a wrong guess as for a right one, but for its length.
bool Same(const std::string& one, const std::string& other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

Reply SecurityState::Auth(const std::string& mechanism) {
  if (under_tls_) return {503, "This is TLS already."};
  if (mechanism != "TLS") return {504, "AUTH TLS is what there is."};
  under_tls_ = true;
  logged_in_ = pbsz_given_ = false;
  protection_ = Protection::kClear;
  user_.clear();
  return {234, "Begin TLS."};
}

// RFC 2228: "This command [...] must be integrity protected", else 533; 534 where policy forbids
// it.
Reply SecurityState::Ccc(const std::string& argument) {
  if (!argument.empty()) return {501, "CCC has no argument."};
  if (!under_tls_) return {533, "CCC is taken under TLS only."};
  if (!logged_in_) return {533, "Log in first."};
  if (!ccc_allowed_) return {534, "The control connection stays under TLS here."};
  under_tls_ = false;
  return {200, "Leave TLS: close_notify, both ways."};
}

Reply SecurityState::User(const std::string& name) {
  if (!under_tls_) return {530, "AUTH TLS first."};
  logged_in_ = false;
  user_ = name;
  return {331, "Password?"};
}

Reply SecurityState::Pass(const std::string& password) {
  if (!under_tls_) return {530, "AUTH TLS first."};
  if (user_.empty()) return {503, "USER first."};
  logged_in_ = Same(user_, account_.name) && Same(password, account_.password);
  user_.clear();
  if (!logged_in_) return {530, "Not logged in."};
  return {230, "Logged in."};
}

// A stream cipher needs no buffer: 0 is the only size (RFC 4217 §9).
Reply SecurityState::Pbsz(const std::string& size) {
  if (!under_tls_) return {503, "AUTH TLS first."};
  if (size.empty()) return {501, "PBSZ 0."};
  pbsz_given_ = true;
  return {200, "PBSZ=0"};
}

// "Not accept any more PBSZ or PROT commands", once TLS has been left (RFC 4217 §5): they would be
// anybody's.
Reply SecurityState::Prot(const std::string& level) {
  if (!under_tls_) return {503, "AUTH TLS first."};
  if (!pbsz_given_) return {503, "PBSZ first."};
  if (level == "S" || level == "E") return {536, "PROT P or PROT C."};
  if (level != "P" && level != "C") return {504, "PROT P or PROT C."};
  protection_ = level == "P" ? Protection::kPrivate : Protection::kClear;
  return {200, "PROT " + level};
}

}  // namespace detach
