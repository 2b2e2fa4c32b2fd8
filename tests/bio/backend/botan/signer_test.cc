// Keys that are elsewhere: what a Signer is asked for, and what comes of what it answers.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "bio/backend/openssl/openssl_backend.h"
#include "tests/bio/backend/botan/botan_fixture.h"

namespace detach {
namespace {

// RFC 9846 §4.2.3: the digest of a scheme's signature, and whether its padding is PSS.
struct Scheme {
  const char* digest;
  bool pss = false;
};
const std::map<std::uint16_t, Scheme> kSchemes = {
    {0x0401, {"SHA256"}},       {0x0501, {"SHA384"}},       {0x0601, {"SHA512"}},
    {0x0403, {"SHA256"}},       {0x0503, {"SHA384"}},       {0x0603, {"SHA512"}},
    {0x0804, {"SHA256", true}}, {0x0805, {"SHA384", true}}, {0x0806, {"SHA512", true}},
};

// SignElsewhere signs with libcrypto, as a process that keeps the key would.
Result<Bytes> SignElsewhere(const Bytes& pkcs8, std::uint16_t scheme,
                            std::span<const std::uint8_t> message) {
  const auto known = kSchemes.find(scheme);
  if (known == kSchemes.end()) return Incompatible("no such scheme");
  const unsigned char* in = pkcs8.data();
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_AutoPrivateKey(nullptr, &in, static_cast<long>(pkcs8.size())), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  EVP_DigestSignInit_ex(context.get(), &parameters, known->second.digest, nullptr, nullptr,
                        key.get(), nullptr);
  if (known->second.pss) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
  }
  std::size_t size = 0;
  EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size());
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return Internal("EVP_DigestSign");
  }
  signature.resize(size);
  return signature;
}

std::shared_ptr<const Identity> Elsewhere(const TestCertificate& certificate, Signer signer) {
  return std::make_shared<const Identity>(Identity{certificate.chain, std::move(signer)});
}

class SignerKeys : public BotanTest {
 protected:
  // A Signer for `certificate` that remembers what it was asked for.
  Signer Remembering(const TestCertificate& certificate) {
    return [this, key = certificate.key](std::uint16_t scheme, auto message) {
      schemes_.insert(scheme);
      return SignElsewhere(key, scheme, message);
    };
  }

  TestCertificate Leaf(ExtendedKeyUsage usage, KeyType type) {
    const bool client = usage == ExtendedKeyUsage::kClientAuth;
    return (client ? Pki().client_issuer : Pki().server_root)
        .Issue({.common_name = "leaf",
                .usage = usage,
                .alt_names = {"DNS:server.example"},
                .key = type});
  }

  std::set<std::uint16_t> schemes_;
};

TEST_P(SignerKeys, OfEveryTypeSignForBothEnds) {
  const std::map<KeyType, std::set<std::uint16_t>> expected = {
      {KeyType::kEcP256, {0x0403, 0x0503, 0x0603}},
      {KeyType::kEcP384, {0x0403, 0x0503, 0x0603}},
      {KeyType::kEcP521, {0x0403, 0x0503, 0x0603}},
      {KeyType::kRsa2048, {0x0804, 0x0805, 0x0806}},
  };
  for (const auto& [type, allowed] : expected) {
    schemes_.clear();
    const TestCertificate server = Leaf(ExtendedKeyUsage::kServerAuth, type);
    const TestCertificate client = Leaf(ExtendedKeyUsage::kClientAuth, type);
    server_config_.identity = Elsewhere(server, Remembering(server));
    client_config_.identity = Elsewhere(client, Remembering(client));
    ShakeHands();
    EXPECT_FALSE(schemes_.empty());
    for (const std::uint16_t scheme : schemes_) EXPECT_EQ(allowed.count(scheme), 1u) << scheme;
    EXPECT_EQ(server_.backend->Summary()->peer_chain, client.chain);
  }
}

// RFC 9846 §4.2.3: over TLS 1.3 the scheme names the curve.
TEST_P(SignerKeys, SignWithTheirCurvesSchemeOverTls13) {
  if (!IsTls13()) GTEST_SKIP() << "over TLS 1.2 the scheme names the digest only";
  for (const auto& [type, scheme] :
       {std::pair(KeyType::kEcP256, 0x0403), std::pair(KeyType::kEcP384, 0x0503),
        std::pair(KeyType::kEcP521, 0x0603)}) {
    schemes_.clear();
    const TestCertificate server = Leaf(ExtendedKeyUsage::kServerAuth, type);
    server_config_.identity = Elsewhere(server, Remembering(server));
    ShakeHands();
    EXPECT_EQ(schemes_, std::set<std::uint16_t>{static_cast<std::uint16_t>(scheme)});
  }
}

TEST_P(SignerKeys, SignByPkcs1ForAPeerOfTls12ThatKnowsNoPss) {
  if (IsTls13()) GTEST_SKIP() << "TLS 1.3 has no PKCS #1 v1.5 signatures";
  const TestCertificate certificate = Leaf(ExtendedKeyUsage::kServerAuth, KeyType::kRsa2048);
  server_config_.identity = Elsewhere(certificate, Remembering(certificate));
  server_config_.peer_certificate = PeerCertificate::kNotRequested;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                  SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  for (const auto& [name, scheme] :
       {std::pair("RSA+SHA256", 0x0401), std::pair("RSA+SHA384", 0x0501),
        std::pair("RSA+SHA512", 0x0601)}) {
    schemes_.clear();
    Open();
    SSL* const ssl = SSL_new(context.get());
    SSL_set_connect_state(ssl);
    ASSERT_EQ(SSL_set1_sigalgs_list(ssl, name), 1);
    client_ = BackendEnd();
    server_ = BackendEnd();
    client_.backend = *NewOpenSslBackend(ssl);
    server_.backend = *server_context_->NewBackend();
    ASSERT_TRUE(server_.backend->Start(server_.sink).ok());
    client_.status = client_.backend->Start(client_.sink);
    Exchange();
    EXPECT_TRUE(server_.status.ok()) << server_.status.message();
    EXPECT_EQ(client_.sink.handshakes_done, 1) << client_.status.message();
    EXPECT_EQ(schemes_, std::set<std::uint16_t>{static_cast<std::uint16_t>(scheme)});
  }
}

TEST_P(SignerKeys, ThatRefuseEndTheHandshakeWithTheirReason) {
  server_config_.identity = Elsewhere(Pki().server, [](std::uint16_t, auto) -> Result<Bytes> {
    return Transport("the keeper is gone");
  });
  Open();
  Exchange();
  EXPECT_EQ(server_.status.fault(), Fault::kTransport);
  EXPECT_EQ(server_.status.message(), "the keeper is gone");
  EXPECT_EQ(client_.backend->peer_alert(), 80) << "internal_error";
  EXPECT_EQ(client_.status.fault(), Fault::kIncompatible);
}

TEST_P(SignerKeys, ThatThrowAreOurOwnFailure) {
  for (const bool memory : {true, false}) {
    client_config_.identity =
        Elsewhere(Pki().client, [memory](std::uint16_t, auto) -> Result<Bytes> {
          if (memory) throw std::bad_alloc();
          throw std::runtime_error("no keeper");
        });
    Open();
    Exchange();
    EXPECT_EQ(client_.status.fault(), Fault::kInternal);
    EXPECT_FALSE(server_.status.ok());
    EXPECT_EQ(server_.sink.handshakes_done, 0);
  }
}

TEST_P(SignerKeys, WhoseSignatureIsWrongAreRefusedByThePeer) {
  client_config_.identity =
      Elsewhere(Pki().client, [](std::uint16_t, auto) -> Result<Bytes> { return Bytes(70, 1); });
  Open();
  Exchange();
  EXPECT_EQ(server_.status.fault(), Fault::kViolation) << server_.status.message();
  EXPECT_EQ(server_.sink.handshakes_done, 0);
}

INSTANTIATE_TEST_SUITE_P(Botan, SignerKeys, testing::ValuesIn(BotanVersions()), VersionName);

}  // namespace
}  // namespace detach
