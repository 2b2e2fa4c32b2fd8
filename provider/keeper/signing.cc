#include "provider/keeper/signing.h"

#include <openssl/rsa.h>

#include "program/crypto/crypto_types.h"

namespace detach {
namespace {

using Signature = std::vector<std::uint8_t>;

bool SetPadding(EVP_PKEY_CTX* context, RsaPadding padding) {
  if (padding == RsaPadding::kNone) return true;
  if (padding == RsaPadding::kPkcs1) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
  }
  // RFC 9846 §4.3.2: "The length of the Salt MUST be equal to the length of the output of the
  // digest algorithm."
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

Signature Room(const EVP_PKEY* key) {
  return Signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
}

Status Failed() { return Internal("signing failed" + TakeCryptoError()); }

}  // namespace

Result<Signature> SignMessage(const KeyAndChain& held, const SignatureScheme& scheme,
                              std::span<const std::uint8_t> message) {
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY* key = held.key.get();
  const std::string digest(scheme.digest);
  EVP_PKEY_CTX* padding = nullptr;  // `context` owns it
  Signature signature = Room(key);
  std::size_t size = signature.size();
  if (!context ||
      EVP_DigestSignInit_ex(context.get(), &padding, digest.empty() ? nullptr : digest.c_str(),
                            held.library.get(), nullptr, key, nullptr) <= 0 ||
      !SetPadding(padding, scheme.padding) ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) <= 0) {
    return Failed();
  }
  signature.resize(size);
  return signature;
}

Result<Signature> SignDigest(const KeyAndChain& held, const SignatureScheme& scheme,
                             std::span<const std::uint8_t> digest) {
  const EVP_MD* md = EVP_get_digestbyname(std::string(scheme.digest).c_str());
  if (md == nullptr) return Failed();
  if (digest.size() != static_cast<std::size_t>(EVP_MD_get_size(md))) {
    return Misuse("the digest is not as long as the scheme's");
  }
  EVP_PKEY* key = held.key.get();
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(held.library.get(), key, nullptr));
  Signature signature = Room(key);
  std::size_t size = signature.size();
  if (!context || EVP_PKEY_sign_init(context.get()) <= 0 ||
      !SetPadding(context.get(), scheme.padding) ||
      EVP_PKEY_CTX_set_signature_md(context.get(), md) <= 0 ||
      EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) <= 0) {
    return Failed();
  }
  signature.resize(size);
  return signature;
}

}  // namespace detach
