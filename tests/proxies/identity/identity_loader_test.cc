#include "proxies/identity/identity_loader.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

using ::testing::Test;

const TestPki& Pki() {
  static const TestPki pki;
  return pki;
}

const Bytes& KeyOf(const Identity& identity) { return std::get<Pkcs8Key>(identity.key).der; }

EVP_PKEY* ParseKey(const Bytes& der) {
  const unsigned char* in = der.data();
  return d2i_AutoPrivateKey(nullptr, &in, static_cast<long>(der.size()));
}

X509* ParseX509(const Bytes& der) {
  const unsigned char* in = der.data();
  return d2i_X509(nullptr, &in, static_cast<long>(der.size()));
}

std::string Pkcs12(const TestCertificate& certificate, const char* passphrase) {
  EVP_PKEY* key = ParseKey(certificate.key);
  X509* leaf = ParseX509(certificate.leaf());
  STACK_OF(X509)* issuers = sk_X509_new_null();
  for (std::size_t i = 1; i < certificate.chain.size(); ++i) {
    sk_X509_push(issuers, ParseX509(certificate.chain[i]));
  }
  PKCS12* p12 = PKCS12_create(passphrase, "name", key, leaf, issuers, 0, 0, 0, 0, 0);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS12(p12, &der);
  std::string file(der, der + size);
  OPENSSL_free(der);
  PKCS12_free(p12);
  sk_X509_pop_free(issuers, X509_free);
  X509_free(leaf);
  EVP_PKEY_free(key);
  return file;
}

// Older returns `certificate`, an hour older, signed with `key`.
Bytes Older(const Bytes& certificate, const Bytes& key) {
  X509* parsed = ParseX509(certificate);
  EVP_PKEY* signing_key = ParseKey(key);
  X509_gmtime_adj(X509_getm_notBefore(parsed), -7200);
  X509_sign(parsed, signing_key, EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509(parsed, &der);
  Bytes older(der, der + size);
  OPENSSL_free(der);
  EVP_PKEY_free(signing_key);
  X509_free(parsed);
  return older;
}

std::string EncryptedKeyPem(const TestCertificate& certificate) {
  EVP_PKEY* key = ParseKey(certificate.key);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(out);
  EVP_PKEY_free(key);
  return pem;
}

class IdentityLoaderTest : public Test {
 protected:
  std::string Write(const std::string& name, const std::string& contents) {
    return "file:" + directory_.Write(name, contents);
  }
  std::string DirectoryUri() const { return "file:" + directory_.path().string(); }

  std::string ErrorOf(const std::string& uri) {
    const auto identity = LoadIdentity(uri);
    return identity.ok() ? "" : identity.status().message();
  }

  TemporaryDirectory directory_;
};

TEST_F(IdentityLoaderTest, ReadsChainAndKeyInAnyOrderAndPutsTheChainInOrder) {
  const TestCertificate& alice = Pki().client;
  ASSERT_EQ(alice.chain.size(), 2U);
  const std::string uri = Write(
      "id.pem", CertificatePem(alice.chain[1]) + alice.KeyPem() + CertificatePem(alice.chain[0]));
  const auto identity = LoadIdentity(uri);
  ASSERT_TRUE(identity.ok()) << identity.status().message();
  EXPECT_EQ((*identity)->chain, alice.chain);
  EXPECT_EQ(KeyOf(**identity), alice.key);
}

TEST_F(IdentityLoaderTest, LeavesTheRootAndStrangersOutOfTheChain) {
  const TestCertificate& alice = Pki().client;
  const std::string uri =
      Write("id.pem", CertificatePem(Pki().client_root.certificate()) +
                          CertificatePem(Pki().server.leaf()) + alice.ChainPem() + alice.KeyPem());
  const auto identity = LoadIdentity(uri);
  ASSERT_TRUE(identity.ok()) << identity.status().message();
  EXPECT_EQ((*identity)->chain, alice.chain);
}

TEST_F(IdentityLoaderTest, TakesTheNewestCertificateOfARenewedKey) {
  const TestCertificate& alice = Pki().client;
  const std::string older = CertificatePem(Older(alice.leaf(), alice.key));
  const auto identity = LoadIdentity(Write("id.pem", older + alice.ChainPem() + alice.KeyPem()));
  ASSERT_TRUE(identity.ok()) << identity.status().message();
  EXPECT_EQ((*identity)->chain.front(), alice.leaf());
}

TEST_F(IdentityLoaderTest, ReadsPkcs12WithoutPassphrase) {
  const auto identity = LoadIdentity(Write("id.p12", Pkcs12(Pki().client, "")));
  ASSERT_TRUE(identity.ok()) << identity.status().message();
  EXPECT_EQ((*identity)->chain, Pki().client.chain);
  EXPECT_EQ(KeyOf(**identity), Pki().client.key);
}

TEST_F(IdentityLoaderTest, SaysThatAnEncryptedFileIsEncryptedAndAsksNobody) {
  EXPECT_NE(ErrorOf(Write("id.p12", Pkcs12(Pki().client, "secret"))).find("is encrypted"),
            std::string::npos);
  const std::string pem = Pki().client.ChainPem() + EncryptedKeyPem(Pki().client);
  EXPECT_NE(ErrorOf(Write("id.pem", pem)).find("is encrypted"), std::string::npos);
}

TEST_F(IdentityLoaderTest, SaysWhatIsMissing) {
  const TestCertificate& alice = Pki().client;
  EXPECT_NE(ErrorOf(Write("a.pem", alice.ChainPem())).find("no private key"), std::string::npos);
  EXPECT_NE(ErrorOf(Write("b.pem", alice.KeyPem())).find("no certificate"), std::string::npos);
  EXPECT_NE(ErrorOf(Write("c.pem", "hello\n")).find("neither certificate nor"), std::string::npos);
  EXPECT_NE(ErrorOf(Write("d.pem", "")).find("neither certificate nor"), std::string::npos);
  EXPECT_NE(ErrorOf(Write("e.pem", Pki().server.ChainPem() + alice.KeyPem())).find("belongs to"),
            std::string::npos);
  EXPECT_NE(ErrorOf(DirectoryUri() + "/none.pem").find("No such file"), std::string::npos);
}

TEST_F(IdentityLoaderTest, RefusesAFileThatOthersMayWrite) {
  const std::string pem = Pki().client.ChainPem() + Pki().client.KeyPem();
  const std::string path = directory_.Write("id.pem", pem);
  ASSERT_EQ(::chmod(path.c_str(), 0620), 0);
  EXPECT_NE(ErrorOf("file:" + path).find("may be written by its group"), std::string::npos);
}

TEST_F(IdentityLoaderTest, RefusesSeveralKeysWhereOneIsNeeded) {
  const std::string uri = Write("id.pem", Pki().client.ChainPem() + Pki().client.KeyPem() +
                                              Pki().server.ChainPem() + Pki().server.KeyPem());
  EXPECT_NE(ErrorOf(uri).find("several private keys"), std::string::npos);
  const auto all = LoadIdentities(uri);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->identities.size(), 2U);
}

TEST_F(IdentityLoaderTest, PairsKeysAndCertificatesOfADirectoryAndNamesWhatItSkips) {
  Write("alice.crt", Pki().client.ChainPem());
  Write("alice.key", Pki().client.KeyPem());
  Write("alice.p12", Pkcs12(Pki().client, ""));  // the same once more
  Write("bob.p12", Pkcs12(Pki().other_client, ""));
  Write("carol.p12", Pkcs12(Pki().client_revoked, "secret"));
  Write("lonely.key", Pki().server.KeyPem());
  Write("README", "not a key");
  Write(".hidden", "not even looked at");
  const auto loaded = LoadIdentities(DirectoryUri());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  ASSERT_EQ(loaded->identities.size(), 2U);
  EXPECT_EQ(loaded->identities[0].identity->chain, Pki().client.chain);
  EXPECT_EQ(loaded->identities[0].key_uris,
            (std::vector{DirectoryUri() + "/alice.key", DirectoryUri() + "/alice.p12"}));
  EXPECT_EQ(loaded->identities[1].identity->chain, Pki().other_client.chain);
  EXPECT_EQ(loaded->identities[1].key_uris, std::vector{DirectoryUri() + "/bob.p12"});
  ASSERT_EQ(loaded->skipped.size(), 3U);
  EXPECT_NE(loaded->skipped[0].find("README: holds neither"), std::string::npos);
  EXPECT_NE(loaded->skipped[1].find("carol.p12: is encrypted"), std::string::npos);
  EXPECT_NE(loaded->skipped[2].find("lonely.key: holds a private key that no"), std::string::npos);
}

TEST_F(IdentityLoaderTest, SaysWhichCertificateOfADirectoryIsInNoIdentity) {
  const TestCertificate& alice = Pki().client;
  Write("alice.pem", alice.ChainPem() + alice.KeyPem());
  Write("before.crt", CertificatePem(Older(alice.leaf(), alice.key)));
  Write("bob.crt", Pki().other_client.ChainPem());
  Write("root.crt", CertificatePem(Pki().client_root.certificate()));
  const auto loaded = LoadIdentities(DirectoryUri());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded->identities.size(), 1U);
  std::vector<std::string> skipped = loaded->skipped;
  std::sort(skipped.begin(), skipped.end());
  ASSERT_EQ(skipped.size(), 2U);
  EXPECT_NE(skipped[0].find("before.crt: the certificate of CN=alice is not used: there is a newer "
                            "one for the same key"),
            std::string::npos)
      << skipped[0];
  EXPECT_NE(skipped[1].find("bob.crt: the certificate of CN=bob is not used: its private key is "
                            "not there"),
            std::string::npos)
      << skipped[1];
}

TEST_F(IdentityLoaderTest, WhatTheFilesOfADirectoryAreCalledDecidesNothing) {
  const TestCertificate& alice = Pki().client;
  const Bytes& issuer = alice.chain[1];
  // Two issuers that fit, and two certificates for one key: which are taken is for them to say.
  const std::vector<std::string> contents = {
      alice.KeyPem() + CertificatePem(alice.leaf()), CertificatePem(Older(alice.leaf(), alice.key)),
      CertificatePem(issuer), CertificatePem(Older(issuer, alice.key))};
  std::vector<std::string> names = {"1", "2", "3", "4"};
  do {
    for (std::size_t i = 0; i < names.size(); ++i) Write(names[i], contents[i]);
    const auto loaded = LoadIdentities(DirectoryUri());
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    ASSERT_EQ(loaded->identities.size(), 1U);
    EXPECT_EQ(loaded->identities[0].identity->chain, alice.chain);
  } while (std::next_permutation(names.begin(), names.end()));
}

TEST_F(IdentityLoaderTest, TheSameIdentityFromTwoPlacesIsOneWithTheLongerChain) {
  const TestCertificate& alice = Pki().client;
  const StoredIdentity lonely = {
      std::make_shared<const Identity>(Identity{{alice.leaf()}, Pkcs8Key{alice.key}}), {"a"}};
  const StoredIdentity whole = {alice.identity(), {"b"}};
  for (const bool whole_first : {true, false}) {
    std::vector<StoredIdentity> identities;
    AddIdentity(whole_first ? whole : lonely, identities);
    AddIdentity(whole_first ? lonely : whole, identities);
    AddIdentity(lonely, identities);
    AddIdentity({Pki().other_client.identity(), {"c"}}, identities);
    ASSERT_EQ(identities.size(), 2U);
    EXPECT_EQ(identities[0].identity->chain, alice.chain);
    EXPECT_EQ(identities[0].key_uris.size(), 2U);
  }
}

TEST_F(IdentityLoaderTest, TakesFileUrisWithAbsolutePathsOnly) {
  Write("id.pem", Pki().client.ChainPem() + Pki().client.KeyPem());
  const std::string path = (directory_.path() / "id.pem").string();
  EXPECT_EQ(ErrorOf("file://" + path), "");
  EXPECT_EQ(ErrorOf("file://localhost" + path), "");
  EXPECT_NE(ErrorOf("file:id.pem").find("absolute path"), std::string::npos);
  EXPECT_NE(ErrorOf("file://elsewhere" + path).find("absolute path"), std::string::npos);
  EXPECT_NE(ErrorOf(path).find("identities are at file:, identity:, pkcs11: or browser: URIs"),
            std::string::npos);
}

}  // namespace
}  // namespace detach
