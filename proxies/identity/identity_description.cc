#include "proxies/identity/identity_description.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

#include "program/crypto/crypto_types.h"
#include "proxies/identity/certificate_names.h"

namespace detach {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

std::string Validity(const CertificateNames& names, TimePoint now) {
  const std::string until = TimeText(names.not_after);
  if (now > names.not_after) return until + " (expired)";
  if (now >= names.not_before) return until;
  return until + " (not yet valid: from " + TimeText(names.not_before) + ")";
}

std::string CurveText(const EVP_PKEY* key) {
  char name[64] = {};
  EVP_PKEY_get_group_name(key, name, sizeof name, nullptr);
  const char* nist = EC_curve_nid2nist(OBJ_sn2nid(name));
  return nist != nullptr ? nist : name;
}

std::string KeyText(const EVP_PKEY* key) {
  if (key == nullptr) return "of a kind that libcrypto does not know";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return std::string(EVP_PKEY_get0_type_name(key)) + ", " +
             std::to_string(EVP_PKEY_get_bits(key)) + " bits";
    case EVP_PKEY_EC:
      return "EC, " + CurveText(key);
    default:
      return EVP_PKEY_get0_type_name(key);
  }
}

std::string Line(const std::string& label, const std::string& text) {
  constexpr std::size_t kWidth = 13;
  return "  " + label + std::string(kWidth - label.size(), ' ') + text + '\n';
}

}  // namespace

std::string DescribeIdentity(const StoredIdentity& stored, TimePoint now) {
  const Bytes& leaf = stored.identity->chain.front();
  const X509Ptr certificate = ParseCertificate(leaf);
  const Result<CertificateNames> names = ReadCertificateNames(leaf);
  std::string text;
  if (names.ok()) {
    text += names->subject + '\n';
    text += Line("issuer", names->issuer);
    text += Line("valid until", Validity(*names, now));
    text += Line("key", KeyText(X509_get0_pubkey(certificate.get())));
    text += Line("SPKI-SHA256", names->spki_sha256);
  } else {
    text += names.status().message() + '\n';
  }
  for (const std::string& uri : stored.key_uris) text += Line("key in", uri);
  return text;
}

}  // namespace detach
