#include "provider/keeper/identity.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>

#include <cstring>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr const char* kPassphrase = "correct horse";

PkeyPtr ParseKey(const TestCertificate& certificate) {
  const unsigned char* at = certificate.key.data();
  return PkeyPtr(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(certificate.key.size())));
}

X509Ptr ParseLeaf(const TestCertificate& certificate) {
  const unsigned char* at = certificate.leaf().data();
  return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(certificate.leaf().size())));
}

std::string Taken(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

class IdentityTest : public ::testing::Test {
 protected:
  IdentityTest()
      : certificate_(TestAuthority("Test root")
                         .Subordinate({.common_name = "Test issuer"})
                         .Issue({.common_name = "identity"})) {}

  std::string Pem() const { return certificate_.ChainPem() + certificate_.KeyPem(); }

  Result<KeyAndChain> Load(const std::string& contents, const std::string& passphrase = "",
                           mode_t mode = 0600) {
    path_ = directory_.Write("identity", contents);
    ::chmod(path_.c_str(), mode);
    return LoadKeyAndChain("file:" + path_, passphrase);
  }

  void ExpectWhole(const Result<KeyAndChain>& loaded) const {
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    Bytes chain;
    for (const auto& der : certificate_.chain) chain.insert(chain.end(), der.begin(), der.end());
    EXPECT_EQ(loaded->chain, chain);
    EXPECT_EQ(EVP_PKEY_eq(loaded->key.get(), ParseKey(certificate_).get()), 1);
    const auto spki = SpkiSha256(certificate_.leaf());
    EXPECT_TRUE(std::equal(spki.begin(), spki.end(), loaded->key_id.begin()));
  }

  void ExpectRefused(const Result<KeyAndChain>& loaded, const std::string& why) const {
    ASSERT_FALSE(loaded.ok());
    EXPECT_NE(loaded.status().message().find(path_), std::string::npos);
    EXPECT_NE(loaded.status().message().find(why), std::string::npos) << loaded.status().message();
  }

  TestCertificate certificate_;
  TemporaryDirectory directory_;
  std::string path_;
};

TEST_F(IdentityTest, IsReadFromPemInAnyOrder) {
  ExpectWhole(Load(Pem()));
  ExpectWhole(Load(certificate_.KeyPem() + CertificatePem(certificate_.chain[1]) +
                   CertificatePem(certificate_.chain[0])));
}

TEST_F(IdentityTest, IsReadFromPkcs12WithItsPassphraseOnly) {
  STACK_OF(X509)* above = sk_X509_new_null();
  const unsigned char* at = certificate_.chain[1].data();
  sk_X509_push(above, d2i_X509(nullptr, &at, static_cast<long>(certificate_.chain[1].size())));
  PKCS12* pkcs12 = PKCS12_create(kPassphrase, "identity", ParseKey(certificate_).get(),
                                 ParseLeaf(certificate_).get(), above, 0, 0, 0, 0, 0);
  sk_X509_pop_free(above, X509_free);
  const BioPtr out(BIO_new(BIO_s_mem()));
  i2d_PKCS12_bio(out.get(), pkcs12);
  PKCS12_free(pkcs12);
  const std::string contents = Taken(out.get());
  ExpectWhole(Load(contents, kPassphrase));
  ExpectRefused(Load(contents, "wrong"), "does not open with the passphrase");
  ExpectRefused(Load(contents), "passphrase_file = \"/path\"");
}

TEST_F(IdentityTest, IsReadFromEncryptedPem) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), ParseKey(certificate_).get(), EVP_aes_256_cbc(),
                                kPassphrase, static_cast<int>(std::strlen(kPassphrase)), nullptr,
                                nullptr);
  const std::string contents = certificate_.ChainPem() + Taken(out.get());
  ExpectWhole(Load(contents, kPassphrase));
  ExpectRefused(Load(contents, "wrong"), "does not open with the passphrase");
  ExpectRefused(Load(contents), "passphrase_file = \"/path\"");
}

TEST_F(IdentityTest, IsRefusedWhereOthersCouldReadOrWriteIt) {
  ExpectWhole(Load(Pem(), "", 0640));
  ExpectRefused(Load(Pem(), "", 0644), "chmod o-r");
  ExpectRefused(Load(Pem(), "", 0660), "chmod go-w");
  ExpectRefused(Load(Pem(), "", 0602), "chmod go-w");
}

TEST_F(IdentityTest, IsOneKeyAndItsCertificate) {
  const TestCertificate other = TestAuthority("Other").Issue({.common_name = "other"});
  ExpectRefused(Load(certificate_.ChainPem()), "no private key");
  ExpectRefused(Load(certificate_.KeyPem()), "no certificate of its private key");
  ExpectRefused(Load(other.ChainPem() + certificate_.KeyPem()),
                "no certificate of its private key; those there are of other keys");
  ExpectRefused(Load(Pem() + other.KeyPem()), "more than one private key");
  ExpectRefused(Load(""), "no private key");
  ExpectRefused(Load(std::string(5000, '\xff')), "no private key");
}

TEST_F(IdentityTest, IsReadFromAnAbsoluteFileUriOnly) {
  for (const char* uri :
       {"", "/etc/id.pem", "file:id.pem", "file://host/id.pem", "pkcs11:x", "http://host/id.pem"}) {
    const Result<KeyAndChain> loaded = LoadKeyAndChain(uri, "");
    ASSERT_FALSE(loaded.ok());
    EXPECT_NE(loaded.status().message().find("write file: and an absolute path"),
              std::string::npos);
  }
  ExpectWhole(Load(Pem()));
  ExpectWhole(LoadKeyAndChain("file://" + path_, ""));
  ExpectWhole(LoadKeyAndChain("file://localhost" + path_, ""));
}

}  // namespace
}  // namespace detach
