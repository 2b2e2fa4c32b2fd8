// Keys that are not the keeper's stay with OpenSSL's own provider, with ours beside it.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/provider/provider_fixture.h"

namespace detach {
namespace {

// Before any identity was loaded, and after.
enum class When { kBefore, kAfter };

class OrdinaryKeysTest : public ProviderFixture,
                         public ::testing::WithParamInterface<std::tuple<ProviderOrder, When>> {
 protected:
  OrdinaryKeysTest() : keeper_(SocketPath(), Identities()) {
    library_ = NewLibrary(std::get<ProviderOrder>(GetParam()));
    if (std::get<When>(GetParam()) == When::kAfter) {
      for (const char* name : {"rsa", "ec", "ed"}) {
        EXPECT_TRUE(Load(library_.get(), name).key) << TakeErrors();
      }
    }
  }

  bool IsOpenSslsOwn(const EVP_PKEY* key) {
    return std::string(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key))) == "default";
  }

  PkeyPtr Generate(const char* type) {
    if (std::string(type) == "EC") {
      return PkeyPtr(EVP_PKEY_Q_keygen(library_.get(), nullptr, type, "P-256"));
    }
    if (std::string(type) == "RSA") {
      return PkeyPtr(EVP_PKEY_Q_keygen(library_.get(), nullptr, type, std::size_t{1024}));
    }
    return PkeyPtr(EVP_PKEY_Q_keygen(library_.get(), nullptr, type));
  }

  // By way of PEM, as programs read theirs.
  PkeyPtr ThereAndBack(const EVP_PKEY* key) {
    const BioPtr pem(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return PkeyPtr(
        PEM_read_bio_PrivateKey_ex(pem.get(), nullptr, nullptr, nullptr, library_.get(), nullptr));
  }

  bool SignsAndVerifies(EVP_PKEY* key) {
    const char* digest = EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : "SHA256";
    const std::vector<unsigned char> message(1000, 'm');
    std::vector<unsigned char> signature(512);
    std::size_t size = signature.size();
    const MdCtxPtr sign(EVP_MD_CTX_new());
    const MdCtxPtr verify(EVP_MD_CTX_new());
    return EVP_DigestSignInit_ex(sign.get(), nullptr, digest, library_.get(), nullptr, key,
                                 nullptr) == 1 &&
           EVP_DigestSign(sign.get(), signature.data(), &size, message.data(), message.size()) ==
               1 &&
           EVP_DigestVerifyInit_ex(verify.get(), nullptr, digest, library_.get(), nullptr, key,
                                   nullptr) == 1 &&
           EVP_DigestVerify(verify.get(), signature.data(), size, message.data(), message.size()) ==
               1;
  }

  RunningKeeper keeper_;
  LibraryPtr library_;
};

TEST_P(OrdinaryKeysTest, AreGeneratedReadAndUsed) {
  for (const char* type : {"RSA", "EC", "ED25519", "X25519"}) {
    const PkeyPtr key = Generate(type);
    ASSERT_TRUE(key) << type << ": " << TakeErrors();
    EXPECT_TRUE(IsOpenSslsOwn(key.get())) << type;
    const PkeyPtr read = ThereAndBack(key.get());
    ASSERT_TRUE(read) << type << ": " << TakeErrors();
    EXPECT_TRUE(IsOpenSslsOwn(read.get())) << type;
    EXPECT_EQ(EVP_PKEY_eq(key.get(), read.get()), 1) << type;
    if (std::string(type) != "X25519") {
      EXPECT_TRUE(SignsAndVerifies(read.get())) << type << ": " << TakeErrors();
    }
  }
}

TEST_P(OrdinaryKeysTest, EncryptAndAgree) {
  const PkeyPtr rsa = Generate("RSA");
  const PkeyCtxPtr encrypt(EVP_PKEY_CTX_new_from_pkey(library_.get(), rsa.get(), nullptr));
  std::vector<unsigned char> out(256);
  std::size_t size = out.size();
  EXPECT_EQ(EVP_PKEY_encrypt_init(encrypt.get()), 1);
  EXPECT_EQ(EVP_PKEY_encrypt(encrypt.get(), out.data(), &size, out.data(), 8), 1) << TakeErrors();
  const PkeyPtr one = Generate("EC");
  const PkeyPtr other = Generate("EC");
  const PkeyCtxPtr derive(EVP_PKEY_CTX_new_from_pkey(library_.get(), one.get(), nullptr));
  size = out.size();
  EXPECT_EQ(EVP_PKEY_derive_init(derive.get()), 1);
  EXPECT_EQ(EVP_PKEY_derive_set_peer(derive.get(), other.get()), 1) << TakeErrors();
  EXPECT_EQ(EVP_PKEY_derive(derive.get(), out.data(), &size), 1) << TakeErrors();
}

TEST_P(OrdinaryKeysTest, ServeTls) {
  const KeyAndChain content = NewContent(KeyType::kEcP256);
  const unsigned char* at = content.chain.data();
  X509Ptr certificate(X509_new_ex(library_.get(), nullptr));
  X509* into = certificate.get();
  ASSERT_NE(d2i_X509(&into, &at, static_cast<long>(content.chain.size())), nullptr);
  const LoadedIdentity identity = {std::move(certificate), ThereAndBack(content.key.get())};
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  EXPECT_TRUE(Use(server.get(), identity)) << TakeErrors();
  EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
  EXPECT_TRUE(Handshake(server.get(), client.get(), TLS1_2_VERSION)) << TakeErrors();
}

// libcrypto forgets what it has fetched when a provider is loaded; the next fetch must not be ours.
TEST_P(OrdinaryKeysTest, AreStillWhatItsNameMeansAfterASignatureThatCameFirst) {
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "rsa")));
  OSSL_PROVIDER* later = OSSL_PROVIDER_load(library_.get(), "null");
  EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
  const PkeyPtr key = Generate("RSA");
  ASSERT_TRUE(key) << TakeErrors();
  EXPECT_TRUE(IsOpenSslsOwn(key.get()));
  OSSL_PROVIDER_unload(later);
}

// libcrypto looks for our key type, and finds that there is no such operation.
TEST_P(OrdinaryKeysTest, AreStillWhatItsNameMeansAfterOperationsThatThereAreNot) {
  const LoadedIdentity identity = Load(library_.get(), "ec");
  for (const auto init : {EVP_PKEY_sign_init, EVP_PKEY_verify_init, EVP_PKEY_decrypt_init}) {
    OSSL_PROVIDER* const later = OSSL_PROVIDER_load(library_.get(), "null");
    const PkeyCtxPtr context(
        EVP_PKEY_CTX_new_from_pkey(library_.get(), identity.key.get(), nullptr));
    EXPECT_NE(init(context.get()), 1);
    const PkeyPtr key = Generate("EC");
    ASSERT_TRUE(key) << TakeErrors();
    EXPECT_TRUE(IsOpenSslsOwn(key.get()));
    OSSL_PROVIDER_unload(later);
  }
}

TEST_P(OrdinaryKeysTest, AreWhatItsNameMeansToWhoeverFetches) {
  for (const char* type : {"RSA", "RSA-PSS", "EC", "ED25519"}) {
    EVP_KEYMGMT* keymgmt = EVP_KEYMGMT_fetch(library_.get(), type, nullptr);
    ASSERT_NE(keymgmt, nullptr);
    EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keymgmt)), "default") << type;
    EVP_KEYMGMT_free(keymgmt);
  }
}

INSTANTIATE_TEST_SUITE_P(All, OrdinaryKeysTest,
                         ::testing::Combine(::testing::Values(ProviderOrder::kFirst,
                                                              ProviderOrder::kLast),
                                            ::testing::Values(When::kBefore, When::kAfter)));

}  // namespace
}  // namespace detach
