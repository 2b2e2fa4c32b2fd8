#include "provider/keeper/issuing/certificate_request.h"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace detach {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;

constexpr std::string_view kGroups[] = {"prime256v1", "secp384r1", "secp521r1"};

RequestPtr Parse(std::span<const std::uint8_t> der) {
  const unsigned char* at = der.data();
  RequestPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  return at == der.data() + der.size() ? std::move(request) : nullptr;
}

bool IsInAGroupOfTls(const EVP_PKEY* key) {
  std::array<char, 80> group = {};
  int spelt_out = 0;
  // A key that spells its curve out may mean another one by it.
  return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelt_out) ==
             1 &&
         spelt_out == 0 && EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
         std::find(std::begin(kGroups), std::end(kGroups), std::string_view(group.data())) !=
             std::end(kGroups);
}

bool IsTaken(const EVP_PKEY* key) {
  constexpr int kMinRsa = 2048;
  constexpr int kMaxRsa = 8192;  // verifying takes long with more
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    return EVP_PKEY_get_bits(key) >= kMinRsa && EVP_PKEY_get_bits(key) <= kMaxRsa;
  }
  if (EVP_PKEY_is_a(key, "EC") == 1) return IsInAGroupOfTls(key);
  return EVP_PKEY_is_a(key, "ED25519") == 1;
}

bool IsSound(EVP_PKEY* key) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new(key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

Status Refuse(const std::string& why) {
  return Violation("the certificate request " + why + TakeCryptoError());
}

}  // namespace

Result<PkeyPtr> RequestedKey(std::span<const std::uint8_t> request) {
  const RequestPtr parsed = Parse(request);
  if (!parsed) return Refuse("is none (PKCS #10, DER)");
  PkeyPtr key(X509_REQ_get_pubkey(parsed.get()));
  if (!key) return Refuse("has a key that cannot be read");
  if (!IsTaken(key.get())) {
    return Refuse("has a key that is not taken; take RSA with 2048 bits or more, P-256 or Ed25519");
  }
  if (!IsSound(key.get())) return Refuse("has a key that is none");
  if (X509_REQ_verify(parsed.get(), key.get()) != 1) {
    return Refuse("is not signed by its own key");
  }
  return key;
}

}  // namespace detach
