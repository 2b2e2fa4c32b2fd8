// Certificate requests for tests of an issuing keeper, good and bad.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_CERTIFICATE_REQUESTS_H_
#define DETACH_TESTS_PROVIDER_KEEPER_CERTIFICATE_REQUESTS_H_

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "program/crypto/crypto_types.h"

namespace detach {

// NewKey makes a key: "P-256" and its like, "secp256k1", "RSA-2048", "ED25519", "X25519".
inline PkeyPtr NewKey(const std::string& type) {
  if (type.starts_with("RSA-")) {
    return PkeyPtr(EVP_RSA_gen(static_cast<std::size_t>(std::stoi(type.substr(4)))));
  }
  const bool edwards = type == "ED25519" || type == "ED448" || type == "X25519";
  return PkeyPtr(edwards ? EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str())
                         : EVP_EC_gen(type.c_str()));
}

// WantedExtensions is what a request may ask for, and does not get.
using WantedExtensions = std::vector<std::pair<int, std::string>>;

// NewRequest makes a request for `key`, signed by `signer`, who is to have the same.
inline std::vector<std::uint8_t> NewRequest(EVP_PKEY* key, EVP_PKEY* signer,
                                            const WantedExtensions& wanted = {}) {
  const std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>> request(X509_REQ_new());
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("root"), -1, -1, 0);
  EXPECT_EQ(X509_REQ_set_pubkey(request.get(), key), 1);
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  for (const auto& [nid, text] : wanted) {
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, nid, text.c_str()));
  }
  EXPECT_TRUE(wanted.empty() || X509_REQ_add_extensions(request.get(), extensions) == 1);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  const bool edwards = EVP_PKEY_is_a(signer, "ED25519") == 1 || EVP_PKEY_is_a(signer, "ED448") == 1;
  EXPECT_GT(X509_REQ_sign(request.get(), signer, edwards ? nullptr : EVP_sha256()), 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  std::vector<std::uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_CERTIFICATE_REQUESTS_H_
