#include "provider/keeper/pkcs11/pkcs11_uri.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "program/file_uri.h"
#include "program/token_uri.h"

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

// A label is shown on terminals, and whoever made the token wrote it: C0, DEL, and C1 as UTF-8 has
// it.
void HideControls(std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = i > 0 && text[i - 1] == '\xc2' && byte >= 0x80 && byte < 0xa0;
    if (c1) text[i - 1] = '?';
    if (c1 || byte < ' ' || byte == 127) text[i] = '?';
  }
}

// UnknownAttribute returns the first of `attributes` that is not among `known`, or comes twice;
// empty: there is none.
std::string_view UnknownAttribute(std::string_view attributes, char separator,
                                  std::vector<std::string_view> known) {
  while (!attributes.empty()) {
    const std::string_view attribute = attributes.substr(0, attributes.find(separator));
    attributes.remove_prefix(std::min(attribute.size() + 1, attributes.size()));
    const bool is_known = std::erase(known, attribute.substr(0, attribute.find('='))) != 0;
    if (!attribute.empty() && !is_known) return attribute;
  }
  return {};
}

// p11-kit passes over what it does not know behind the question mark, takes the last where there
// are two, and knows what Matches does not look at. Each URI would mean more tokens than its author
// thinks, and all of them would be tried with his PIN.
std::string_view UnknownAttribute(std::string_view uri) {
  const std::size_t question_mark = std::min(uri.find('?'), uri.size());
  const std::string_view unknown =
      UnknownAttribute(uri.substr(0, question_mark).substr(kPkcs11Scheme.size()), ';',
                       {"token", "serial", "manufacturer", "model", "object", "id", "type"});
  if (!unknown.empty() || question_mark == uri.size()) return unknown;
  return UnknownAttribute(uri.substr(question_mark + 1), '&', {"module-path", "pin-source"});
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
  if (p11_kit_uri_get_module_name(uri.get()) != nullptr) {
    return Refuse(text, "name the module by its path: module-path=/usr/lib/softhsm/libsofthsm2.so");
  }
  if (const std::string_view unknown = UnknownAttribute(text); !unknown.empty()) {
    return Refuse(text, "\"" + std::string(unknown) +
                            "\" is an attribute too many; there may be, once each, token, serial, "
                            "manufacturer, model, object, id, and behind the question mark "
                            "module-path and pin-source");
  }
  if (p11_kit_uri_any_unrecognized(uri.get()) == 1) {
    return Refuse(text, "has an attribute with a value that no token can have");
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
  HideControls(label);
  return label;
}

}  // namespace detach
