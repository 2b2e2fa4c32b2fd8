#include "proxies/identity/certificate_names.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "program/crypto/crypto_types.h"
#include "program/hex_text.h"

namespace detach {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

std::string LowerCase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// RFC 5321 §2.4: the local part's case may matter, the domain's does not.
std::string NormalizeEmail(const std::string& address) {
  const std::size_t at = std::min(address.rfind('@'), address.size());
  return address.substr(0, at) + LowerCase(address.substr(at));
}

bool IsVisibleAscii(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string Text(const ASN1_IA5STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

void AddName(const GENERAL_NAME* name, CertificateNames& names) {
  if (name->type != GEN_URI && name->type != GEN_DNS && name->type != GEN_EMAIL) return;
  const std::string text = Text(name->d.ia5);
  if (!IsVisibleAscii(text)) return;
  if (name->type == GEN_URI) names.uris.push_back(text);
  if (name->type == GEN_DNS) names.dns_names.push_back(LowerCase(text));
  if (name->type == GEN_EMAIL) names.emails.push_back(NormalizeEmail(text));
}

Status AddAltNames(const X509* certificate, CertificateNames& names) {
  int found = 0;
  const NamesPtr alt_names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, nullptr)));
  ERR_clear_error();
  constexpr int kAbsent = -1;  // other negative numbers: there are two, or it does not parse
  if (alt_names == nullptr && found == kAbsent) return {};
  if (alt_names == nullptr) return Violation("the certificate's subjectAltName is damaged");
  for (int i = 0; i < sk_GENERAL_NAME_num(alt_names.get()); ++i) {
    AddName(sk_GENERAL_NAME_value(alt_names.get(), i), names);
  }
  return {};
}

std::string SpkiSha256Hex(const X509* certificate) {
  const Bytes der = PublicKeyDer(certificate);
  if (der.empty()) return {};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(der.data(), der.size(), digest.data());
  return HexText(digest);
}

std::chrono::system_clock::time_point TimePoint(const ASN1_TIME* time) {
  std::tm calendar = {};
  ASN1_TIME_to_tm(time, &calendar);
  return std::chrono::system_clock::from_time_t(timegm(&calendar));
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 2 * SHA256_DIGEST_LENGTH &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string CertificateNames::Identity() const {
  if (!uris.empty()) return "URI:" + uris.front();
  if (!dns_names.empty()) return "DNS:" + dns_names.front();
  if (!emails.empty()) return "EMAIL:" + emails.front();
  return "SPKI-SHA256:" + spki_sha256;
}

Result<CertificateNames> ReadCertificateNames(const Bytes& certificate) {
  const X509Ptr parsed = ParseCertificate(certificate);
  if (parsed == nullptr) return Violation("the certificate is damaged");
  CertificateNames names;
  names.subject = NameText(X509_get_subject_name(parsed.get()));
  names.issuer = NameText(X509_get_issuer_name(parsed.get()));
  names.spki_sha256 = SpkiSha256Hex(parsed.get());
  names.not_before = TimePoint(X509_get0_notBefore(parsed.get()));
  names.not_after = TimePoint(X509_get0_notAfter(parsed.get()));
  if (Status status = AddAltNames(parsed.get(), names); !status.ok()) return status;
  return names;
}

std::string TimeText(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm calendar = {};
  gmtime_r(&seconds, &calendar);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &calendar);
  return text;
}

Result<ClientPattern> ClientPattern::Parse(std::string_view text) {
  if (text == "*") return ClientPattern(Kind::kAnybody, "");
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view type = text.substr(0, colon);
  const std::string value(text.substr(std::min(colon + 1, text.size())));
  const bool plausible = IsVisibleAscii(value) && value.find('*') == std::string::npos;
  if (plausible && type == "URI") return ClientPattern(Kind::kUri, value);
  if (plausible && type == "DNS") return ClientPattern(Kind::kDns, LowerCase(value));
  if (plausible && type == "EMAIL") return ClientPattern(Kind::kEmail, NormalizeEmail(value));
  const std::string hex = LowerCase(value);
  if (type == "SPKI-SHA256" && IsSha256Hex(hex)) return ClientPattern(Kind::kSpkiSha256, hex);
  return Misuse("\"" + std::string(text) +
                "\" names no client; write URI:, DNS: or EMAIL: and a whole name, SPKI-SHA256: and "
                "64 hex digits, or \"*\" for whoever the trust anchors vouch for");
}

bool ClientPattern::Matches(const CertificateNames& client) const {
  switch (kind_) {
    case Kind::kAnybody:
      return true;
    case Kind::kUri:
      return Contains(client.uris, value_);
    case Kind::kDns:
      return Contains(client.dns_names, value_);
    case Kind::kEmail:
      return Contains(client.emails, value_);
    case Kind::kSpkiSha256:
      return client.spki_sha256 == value_;
  }
  return false;
}

}  // namespace detach
