#include "provider/keeper/issuing/certificate_request.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <random>
#include <string>
#include <vector>

#include "tests/provider/keeper/issuing/certificate_requests.h"

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes RequestOf(const std::string& type) {
  const PkeyPtr key = NewKey(type);
  return NewRequest(key.get(), key.get());
}

void ExpectRefused(const Bytes& request, const std::string& why) {
  const Result<PkeyPtr> key = RequestedKey(request);
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.status().fault(), Fault::kViolation);
  EXPECT_NE(key.status().message().find(why), std::string::npos) << key.status().message();
}

TEST(CertificateRequestTest, GivesTheKeyThatHasSignedIt) {
  for (const char* type : {"RSA-2048", "P-256", "P-384", "P-521", "ED25519"}) {
    const PkeyPtr key = NewKey(type);
    const Result<PkeyPtr> requested = RequestedKey(NewRequest(key.get(), key.get()));
    ASSERT_TRUE(requested.ok()) << type << requested.status().message();
    EXPECT_EQ(EVP_PKEY_eq(key.get(), requested->get()), 1) << type;
  }
}

TEST(CertificateRequestTest, IsNotTakenForWeakOrRareKeys) {
  for (const char* type :
       {"RSA-1024", "RSA-2040", "P-224", "secp256k1", "brainpoolP256r1", "ED448"}) {
    SCOPED_TRACE(type);
    ExpectRefused(RequestOf(type), "has a key that is not taken");
  }
}

TEST(CertificateRequestTest, IsNotTakenWhereItSpellsOutTheCurve) {
  const PkeyPtr key = NewKey("P-256");
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
  ExpectRefused(NewRequest(key.get(), key.get()), "has a key that is not taken");
}

TEST(CertificateRequestTest, IsNotTakenForAnRsaKeyThatSignsForEverybody) {
  // With 1 as its public exponent every number is its own signature.
  const PkeyPtr good = NewKey("RSA-2048");
  BIGNUM* n = nullptr;
  ASSERT_EQ(EVP_PKEY_get_bn_param(good.get(), OSSL_PKEY_PARAM_RSA_N, &n), 1);
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, BN_value_one());
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* weak = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  ASSERT_EQ(EVP_PKEY_fromdata(context.get(), &weak, EVP_PKEY_PUBLIC_KEY, params), 1);
  const PkeyPtr owned(weak);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  BN_free(n);
  ExpectRefused(NewRequest(weak, good.get()), "has a key that is none");
}

TEST(CertificateRequestTest, IsNotTakenFromWhoeverHasNotTheKey) {
  const PkeyPtr key = NewKey("P-256");
  const PkeyPtr other = NewKey("P-256");
  ExpectRefused(NewRequest(key.get(), other.get()), "is not signed by its own key");
}

TEST(CertificateRequestTest, IsOneWholeObjectAndNothingBehindIt) {
  const Bytes whole = RequestOf("P-256");
  Bytes longer = whole;
  longer.push_back(0);
  ExpectRefused(longer, "is none");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(RequestedKey(std::span(whole).first(size)).ok()) << size;
  }
}

// Whatever byte of it changes, it is no longer what its key has signed.
TEST(CertificateRequestTest, IsRefusedWithAnyByteChanged) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const char* type : {"P-256", "ED25519"}) {
    const Bytes whole = RequestOf(type);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      Bytes changed = whole;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 + random() % 255));
      EXPECT_FALSE(RequestedKey(changed).ok()) << type << " byte " << i;
    }
  }
}

}  // namespace
}  // namespace detach
