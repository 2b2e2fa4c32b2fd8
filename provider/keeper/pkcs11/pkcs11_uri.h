// URIs of PKCS#11 (RFC 7512): which keys of which tokens.
#ifndef DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_URI_H_
#define DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_URI_H_

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <memory>
#include <string>

#include "bio/status.h"

namespace detach {

// Pkcs11Uri is one such URI: what it says of tokens and of objects, and, behind the question mark,
// the module and where the PIN is.
class Pkcs11Uri {
 public:
  // It matches everything.
  Pkcs11Uri() : uri_(p11_kit_uri_new()) {}

  // Parse reads `text`. kMisuse, beginning with the URI, for what is none, for what this keeper
  // does not know, and for a PIN in it.
  static Result<Pkcs11Uri> Parse(const std::string& text);

  // module_path returns the path of the module; empty: whatever p11-kit knows.
  const std::string& module_path() const noexcept { return module_path_; }
  // pin_path returns the path of the file with the PIN; empty: none.
  const std::string& pin_path() const noexcept { return pin_path_; }

  bool Matches(const CK_TOKEN_INFO& token) const;

  // SelectsObjects tells whether it means some keys of a token only.
  bool SelectsObjects() const;

  // KeysOn returns the URI of the private keys that this one means, on `token` alone;
  // CertificatesOn that of all certificates there: those above have other names.
  std::string KeysOn(const CK_TOKEN_INFO& token) const;
  static std::string CertificatesOn(const CK_TOKEN_INFO& token);

 private:
  struct Free {
    void operator()(P11KitUri* uri) const noexcept { p11_kit_uri_free(uri); }
  };
  using UriPtr = std::unique_ptr<P11KitUri, Free>;

  explicit Pkcs11Uri(UriPtr uri) : uri_(std::move(uri)) {}

  static UriPtr ClassOn(CK_OBJECT_CLASS type, const CK_TOKEN_INFO& token);

  UriPtr uri_;
  std::string module_path_;
  std::string pin_path_;
};

// TokenLabel returns the name that `token` has for people, without control characters.
std::string TokenLabel(const CK_TOKEN_INFO& token);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PKCS11_PKCS11_URI_H_
