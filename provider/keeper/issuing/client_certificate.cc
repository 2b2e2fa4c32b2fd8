#include "provider/keeper/issuing/client_certificate.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "program/crypto/crypto_types.h"
#include "program/hex_text.h"
#include "provider/keeper/issuing/sha256.h"
#include "provider/keeper/utc_time.h"

namespace detach {
namespace {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Serial = std::array<std::uint8_t, 16>;

constexpr std::pair<int, const char*> kExtensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "clientAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

bool SetSerial(X509* certificate, const Serial& serial) {
  const NumberPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// GeneralizedTime without the separators; OpenSSL makes UTCTime of it where that is due.
bool SetTime(ASN1_TIME* time, std::chrono::sys_seconds value) {
  std::string text = UtcText(value);
  std::erase_if(text, [](char byte) { return byte == '-' || byte == ':' || byte == 'T'; });
  return ASN1_TIME_set_string_X509(time, text.c_str()) == 1;
}

// By its bytes: OpenSSL's text form of an extension would take a comma for the next name.
GeneralNamesPtr GeneralNamesOf(const SubjectAltName& name) {
  using Kind = SubjectAltName::Kind;
  const int type = name.kind == Kind::kUri   ? GEN_URI
                   : name.kind == Kind::kDns ? GEN_DNS
                                             : GEN_EMAIL;
  GeneralNamesPtr names(GENERAL_NAMES_new());
  GENERAL_NAME* one = GENERAL_NAME_new();
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  const bool ok =
      names && one != nullptr && text != nullptr &&
      ASN1_STRING_set(text, name.value.data(), static_cast<int>(name.value.size())) == 1 &&
      sk_GENERAL_NAME_push(names.get(), one) > 0;
  if (ok) {
    GENERAL_NAME_set0_value(one, type, text);
    return names;
  }
  ASN1_IA5STRING_free(text);
  GENERAL_NAME_free(one);
  return nullptr;
}

bool AddExtensions(X509* certificate, X509* issuer, const SubjectAltName& name) {
  const GeneralNamesPtr names = GeneralNamesOf(name);
  if (!names || X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 1, 0) != 1) {
    return false;
  }
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  return std::all_of(std::begin(kExtensions), std::end(kExtensions), [&](const auto& row) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, row.first, row.second));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
  });
}

// An Ed25519 key brings its own digest; the others sign with one as strong as they are.
const EVP_MD* DigestFor(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return nullptr;
  const bool ec = EVP_PKEY_is_a(key, "EC") == 1;
  if (ec && EVP_PKEY_get_bits(key) > 384) return EVP_sha512();
  return ec && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

bool Fill(X509* certificate, const Authority& authority, EVP_PKEY* key, const Validity& validity,
          const Serial& serial) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && SetSerial(certificate, serial) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(authority.certificate)) == 1 &&
         SetTime(X509_getm_notBefore(certificate), validity.not_before) &&
         SetTime(X509_getm_notAfter(certificate), validity.not_after) &&
         X509_set_pubkey(certificate, key) == 1;
}

}  // namespace

Result<IssuedCertificate> MakeClientCertificate(const Authority& authority,
                                                const SubjectAltName& name, EVP_PKEY* key,
                                                const Validity& validity) {
  const X509Ptr certificate(X509_new());
  Serial serial = {};
  if (!certificate || RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1 ||
      !Fill(certificate.get(), authority, key, validity, serial) ||
      !AddExtensions(certificate.get(), authority.certificate, name) ||
      X509_sign(certificate.get(), authority.key, DigestFor(authority.key)) <= 0) {
    return Internal("the certificate cannot be made" + TakeCryptoError());
  }
  const std::optional<Sha256> key_hash = Sha256Of(PublicKeyDer(certificate.get()));
  if (!key_hash) return Internal("the key's hash cannot be computed" + TakeCryptoError());
  IssuedCertificate issued = {CertificateDer(certificate.get()), HexText(serial),
                              SubjectAltNameText(name), HexText(*key_hash), validity.not_after};
  if (issued.der.empty() || issued.der.size() > kMaxPayload) {
    return Internal("the certificate has " + std::to_string(issued.der.size()) +
                    " bytes, which no frame can hold");
  }
  return issued;
}

}  // namespace detach
