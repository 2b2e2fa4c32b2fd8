// The signature schemes of TLS that a keeper's key can sign by.
#ifndef DETACH_PROVIDER_KEEPER_SIGNATURE_SCHEME_H_
#define DETACH_PROVIDER_KEEPER_SIGNATURE_SCHEME_H_

#include <openssl/types.h>

#include <cstdint>
#include <string_view>

namespace detach {

enum class RsaPadding { kNone, kPkcs1, kPss };  // kNone: not RSA

// SignatureScheme is one of RFC 9846 §4.3.2. Texts are libcrypto's names.
struct SignatureScheme {
  std::uint16_t code;
  const char* key_type;
  std::string_view digest;  // empty: the scheme brings its own (Ed25519)
  RsaPadding padding;
  std::string_view tls13_group;  // of an EC key, which TLS 1.3 ties to the digest
  bool tls13;                    // a CertificateVerify of TLS 1.3 may be signed by it
  bool tls12;                    // a digest may be signed by it for TLS 1.2
};

// FindSignatureScheme returns the scheme with `code`; null: there is none.
const SignatureScheme* FindSignatureScheme(std::uint16_t code) noexcept;

// FindSignatureScheme returns the scheme by which a key of `key_type` signs with `digest` and
// `padding`; null: there is none.
const SignatureScheme* FindSignatureScheme(std::string_view key_type, std::string_view digest,
                                           RsaPadding padding) noexcept;

// KeyFitsTls13 and KeyFitsTls12 tell whether `key` can sign by `scheme` for that version.
bool KeyFitsTls13(const EVP_PKEY* key, const SignatureScheme& scheme) noexcept;
bool KeyFitsTls12(const EVP_PKEY* key, const SignatureScheme& scheme) noexcept;

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_SIGNATURE_SCHEME_H_
