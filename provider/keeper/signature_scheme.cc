#include "provider/keeper/signature_scheme.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace detach {
namespace {

constexpr auto kNone = RsaPadding::kNone;
constexpr auto kPkcs1 = RsaPadding::kPkcs1;
constexpr auto kPss = RsaPadding::kPss;

// RFC 9846 §4.3.2: with TLS 1.3 the RSASSA-PKCS1-v1_5 codes "refer solely to signatures which
// appear in certificates".
constexpr SignatureScheme kSchemes[] = {
    {0x0401, "RSA", "SHA2-256", kPkcs1, {}, false, true},
    {0x0501, "RSA", "SHA2-384", kPkcs1, {}, false, true},
    {0x0601, "RSA", "SHA2-512", kPkcs1, {}, false, true},
    {0x0403, "EC", "SHA2-256", kNone, "prime256v1", true, true},
    {0x0503, "EC", "SHA2-384", kNone, "secp384r1", true, true},
    {0x0603, "EC", "SHA2-512", kNone, "secp521r1", true, true},
    {0x0804, "RSA", "SHA2-256", kPss, {}, true, true},
    {0x0805, "RSA", "SHA2-384", kPss, {}, true, true},
    {0x0806, "RSA", "SHA2-512", kPss, {}, true, true},
    // Signs the message itself: there is no digest to show.
    {0x0807, "ED25519", "", kNone, {}, true, false},
    {0x0809, "RSA-PSS", "SHA2-256", kPss, {}, true, true},
    {0x080a, "RSA-PSS", "SHA2-384", kPss, {}, true, true},
    {0x080b, "RSA-PSS", "SHA2-512", kPss, {}, true, true},
};

template <typename Wanted>
const SignatureScheme* Find(Wanted wanted) {
  const auto* row = std::find_if(std::begin(kSchemes), std::end(kSchemes), wanted);
  return row != std::end(kSchemes) ? row : nullptr;
}

bool IsOfType(const EVP_PKEY* key, const SignatureScheme& scheme) {
  return EVP_PKEY_is_a(key, scheme.key_type) == 1;
}

bool IsInGroup(const EVP_PKEY* key, std::string_view group) {
  std::array<char, 80> name = {};
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) == 1 &&
         group == name.data();
}

}  // namespace

const SignatureScheme* FindSignatureScheme(std::uint16_t code) noexcept {
  return Find([&](const SignatureScheme& scheme) { return scheme.code == code; });
}

const SignatureScheme* FindSignatureScheme(std::string_view key_type, std::string_view digest,
                                           RsaPadding padding) noexcept {
  return Find([&](const SignatureScheme& scheme) {
    return key_type == scheme.key_type && scheme.digest == digest && scheme.padding == padding;
  });
}

bool KeyFitsTls13(const EVP_PKEY* key, const SignatureScheme& scheme) noexcept {
  if (!scheme.tls13 || !IsOfType(key, scheme)) return false;
  return scheme.tls13_group.empty() || IsInGroup(key, scheme.tls13_group);
}

bool KeyFitsTls12(const EVP_PKEY* key, const SignatureScheme& scheme) noexcept {
  return scheme.tls12 && IsOfType(key, scheme);
}

}  // namespace detach
