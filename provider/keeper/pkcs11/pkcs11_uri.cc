#include "provider/keeper/pkcs11/pkcs11_uri.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "program/file_uri.h"

namespace detach {
namespace {

std::string Text(const char* text) { return text != nullptr ? text : ""; }

std::string Format(P11KitUri* uri) {
  char* text = nullptr;
  if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK) return {};
  std::string formatted = Text(text);
  std::free(text);
  return formatted;
}

// Without "pin-value" itself: the URI stands in messages.
Status Refuse(const std::string& uri, const std::string& problem) {
  return Misuse("\"" + uri + "\": " + problem);
}

}  // namespace

Result<Pkcs11Uri> Pkcs11Uri::Parse(const std::string& text) {
  UriPtr uri(p11_kit_uri_new());
  const int code = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get());
  // First, and without the URI: it has a secret in it.
  if (p11_kit_uri_get_pin_value(uri.get()) != nullptr) {
    return Misuse(
        "a PIN is a secret, and a configuration no place for it; write it to a file of its own: "
        "pin-source=file:/etc/detach/pin in place of pin-value");
  }
  if (code != P11_KIT_URI_OK) return Refuse(text, Text(p11_kit_uri_message(code)));
  if (p11_kit_uri_any_unrecognized(uri.get()) == 1) {
    return Refuse(text, "has an attribute that RFC 7512 does not know, or not there");
  }
  if (p11_kit_uri_get_module_name(uri.get()) != nullptr) {
    return Refuse(text, "name the module by its path: module-path=/usr/lib/softhsm/libsofthsm2.so");
  }
  Pkcs11Uri parsed(std::move(uri));
  parsed.module_path_ = Text(p11_kit_uri_get_module_path(parsed.uri_.get()));
  if (!parsed.module_path_.empty() && parsed.module_path_.front() != '/') {
    return Refuse(text, "module-path needs an absolute path");
  }
  const std::string pin_source = Text(p11_kit_uri_get_pin_source(parsed.uri_.get()));
  if (pin_source.empty()) return parsed;
  const std::optional<std::string> path = FilePath(pin_source);
  if (!path) return Refuse(text, "pin-source needs file: and an absolute path");
  parsed.pin_path_ = *path;
  return parsed;
}

bool Pkcs11Uri::Matches(const CK_TOKEN_INFO& token) const {
  return p11_kit_uri_match_token_info(uri_.get(), &token) == 1;
}

bool Pkcs11Uri::SelectsObjects() const {
  return p11_kit_uri_get_attribute(uri_.get(), CKA_ID) != nullptr ||
         p11_kit_uri_get_attribute(uri_.get(), CKA_LABEL) != nullptr;
}

Pkcs11Uri::UriPtr Pkcs11Uri::ClassOn(CK_OBJECT_CLASS type, const CK_TOKEN_INFO& token) {
  UriPtr uri(p11_kit_uri_new());
  *p11_kit_uri_get_token_info(uri.get()) = token;
  CK_ATTRIBUTE attribute = {CKA_CLASS, &type, sizeof type};
  p11_kit_uri_set_attribute(uri.get(), &attribute);
  return uri;
}

std::string Pkcs11Uri::KeysOn(const CK_TOKEN_INFO& token) const {
  const UriPtr keys = ClassOn(CKO_PRIVATE_KEY, token);
  for (const CK_ATTRIBUTE_TYPE type : {CKA_ID, CKA_LABEL}) {
    CK_ATTRIBUTE* attribute = p11_kit_uri_get_attribute(uri_.get(), type);
    if (attribute != nullptr) p11_kit_uri_set_attribute(keys.get(), attribute);
  }
  return Format(keys.get());
}

std::string Pkcs11Uri::CertificatesOn(const CK_TOKEN_INFO& token) {
  return Format(ClassOn(CKO_CERTIFICATE, token).get());
}

std::string TokenLabel(const CK_TOKEN_INFO& token) {
  // PKCS#11: padded with blanks, not ended by a zero.
  const std::string_view padded(reinterpret_cast<const char*>(token.label), sizeof token.label);
  std::string label(padded.substr(0, padded.find_last_not_of(std::string_view(" \0", 2)) + 1));
  // It is shown on terminals, and whoever made the token wrote it.
  std::replace_if(
      label.begin(), label.end(), [](unsigned char byte) { return byte < ' ' || byte == 127; },
      '?');
  return label;
}

}  // namespace detach
