// What was found in a token, and whether it is any good.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_PKCS11_FOUND_IDENTITIES_H_
#define DETACH_TESTS_PROVIDER_KEEPER_PKCS11_FOUND_IDENTITIES_H_

#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "program/crypto/crypto_types.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/pkcs11/token_contents.h"
#include "provider/keeper/signature_scheme.h"
#include "provider/keeper/signing.h"

namespace detach {

inline std::string NoticesOf(const FoundIdentities& found) {
  std::string text;
  for (const std::string& notice : found.notices) text += notice + '\n';
  return text;
}

inline std::vector<X509Ptr> CertificatesOf(const KeyAndChain& identity) {
  std::vector<X509Ptr> certificates;
  const unsigned char* at = identity.chain.data();
  const unsigned char* const end = at + identity.chain.size();
  while (at < end) {
    certificates.emplace_back(d2i_X509(nullptr, &at, end - at));
    if (certificates.back() == nullptr) throw std::runtime_error("no chain");
  }
  return certificates;
}

// ChainOf returns the common names in the chain of `identity`, its own first.
inline std::vector<std::string> ChainOf(const KeyAndChain& identity) {
  std::vector<std::string> names;
  for (const X509Ptr& certificate : CertificatesOf(identity)) {
    names.push_back(NameText(X509_get_subject_name(certificate.get())).substr(3));
  }
  return names;
}

// Signs tells whether `identity` signs by `scheme` what its certificate verifies.
inline bool Signs(const KeyAndChain& identity, std::uint16_t scheme_code) {
  const SignatureScheme& scheme = *FindSignatureScheme(scheme_code);
  const std::array<std::uint8_t, 98> message = {1, 2, 3};
  const Result<std::vector<std::uint8_t>> signature = SignMessage(identity, scheme, message);
  if (!signature.ok()) {
    ADD_FAILURE() << signature.status().message();
    return false;
  }
  const std::vector<X509Ptr> chain = CertificatesOf(identity);
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;  // `context` owns it
  const std::string digest(scheme.digest);
  return EVP_DigestVerifyInit_ex(context.get(), &padding, digest.empty() ? nullptr : digest.c_str(),
                                 nullptr, nullptr, X509_get0_pubkey(chain.front().get()),
                                 nullptr) == 1 &&
         (scheme.padding == RsaPadding::kNone ||
          EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1) &&
         EVP_DigestVerify(context.get(), signature->data(), signature->size(), message.data(),
                          message.size()) == 1;
}

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_PKCS11_FOUND_IDENTITIES_H_
