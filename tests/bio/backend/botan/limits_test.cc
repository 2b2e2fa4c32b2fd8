// What the Botan backend refuses because this Botan cannot do it, and where it is stricter than
// Botan.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>
#include <string>

#include "bio/backend/openssl/openssl_backend.h"
#include "tests/bio/backend/botan/botan_fixture.h"

namespace detach {
namespace {

class Limits : public BotanTest {
 protected:
  static void ExpectRefused(const TlsConfig& config, const std::string& words) {
    const auto context = NewBotanContext(config);
    ASSERT_FALSE(context.ok()) << words;
    EXPECT_EQ(context.status().fault(), Fault::kIncompatible);
    EXPECT_NE(context.status().message().find(words), std::string::npos)
        << context.status().message();
  }

  // The client's certificate is refused with `alert`.
  void ExpectClientRefused(int alert, const std::string& words) {
    Open();
    Exchange();
    EXPECT_EQ(server_.status.fault(), Fault::kIncompatible);
    EXPECT_NE(server_.status.message().find(words), std::string::npos) << server_.status.message();
    EXPECT_EQ(client_.backend->peer_alert(), alert);
    EXPECT_EQ(server_.sink.handshakes_done, 0);
  }
};

TEST_P(Limits, AKeyByStoreUriIsRefused) {
  server_config_.identity =
      std::make_shared<const Identity>(Identity{Pki().server.chain, StoreUri{"identity:a"}});
  ExpectRefused(server_config_, "Signer");
}

TEST_P(Limits, AnEd25519KeyIsRefused) {
  server_config_.identity = Pki()
                                .server_root
                                .Issue({.common_name = "leaf",
                                        .usage = ExtendedKeyUsage::kServerAuth,
                                        .key = KeyType::kEd25519})
                                .identity();
  ExpectRefused(server_config_, "Ed25519");
}

TEST_P(Limits, ATrustAnchorThatIsNotSelfSignedIsRefused) {
  server_config_.trust_anchors = {Pki().client_issuer.certificate()};
  ExpectRefused(server_config_, "self-signed");
}

// RFC 5280 §5.2.5: a CRL that speaks of some certificates only would pass for one of all.
TEST_P(Limits, APartialCrlIsRefused) {
  const Bytes& whole = server_config_.crls[0];
  const unsigned char* in = whole.data();
  X509_CRL* crl = d2i_X509_CRL(nullptr, &in, static_cast<long>(whole.size()));
  ASSERT_NE(crl, nullptr);
  X509_EXTENSION* scope = X509V3_EXT_conf_nid(nullptr, nullptr, NID_issuing_distribution_point,
                                              "critical,onlyuser:TRUE");
  ASSERT_NE(scope, nullptr);
  ASSERT_EQ(X509_CRL_add_ext(crl, scope, -1), 1);
  EVP_PKEY* const key = EVP_EC_gen("P-256");  // nobody looks at the signature yet
  ASSERT_GT(X509_CRL_sign(crl, key, EVP_sha256()), 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(crl, &der);
  server_config_.crls[0] = Bytes(der, der + size);
  OPENSSL_free(der);
  EVP_PKEY_free(key);
  X509_EXTENSION_free(scope);
  X509_CRL_free(crl);
  ExpectRefused(server_config_, "complete CRLs only");
}

// Most certificates of this world say where their CRL is published; Botan alone would want that
// address in the CRL too.
TEST_P(Limits, ACertificateThatNamesItsCrlsAddressIsBelieved) {
  client_config_.identity = Pki()
                                .client_issuer
                                .Issue({.common_name = "named",
                                        .usage = ExtendedKeyUsage::kClientAuth,
                                        .crl_url = "http://crl.example/ca.crl"})
                                .identity();
  ShakeHands();
}

TEST_P(Limits, ACertificateThatNamesItsCrlsAddressIsRefusedWhereItIsRevoked) {
  TestAuthority root("Root");
  const TestCertificate revoked = root.Issue({.common_name = "named",
                                              .usage = ExtendedKeyUsage::kClientAuth,
                                              .crl_url = "http://crl.example/ca.crl"});
  root.Revoke(revoked.leaf());
  client_config_.identity = revoked.identity();
  server_config_.trust_anchors = {root.certificate()};
  server_config_.crls = {root.Crl()};
  ExpectClientRefused(44, "revoked");
}

// Every certificate of the chain needs a CRL, the intermediate's among them.
TEST_P(Limits, AnIntermediateWithoutACrlIsRefused) {
  server_config_.crls = {Pki().client_issuer.Crl()};
  ExpectClientRefused(48, "no CRL");
}

TEST_P(Limits, AnAuthorityForServersVouchesForNoClient) {
  const TestAuthority issuer = Pki().client_root.Subordinate(
      {.common_name = "for servers", .usage = ExtendedKeyUsage::kServerAuth});
  client_config_.identity =
      issuer.Issue({.common_name = "client", .usage = ExtendedKeyUsage::kClientAuth}).identity();
  server_config_.crls.push_back(issuer.Crl());
  ExpectClientRefused(43, "for servers");
}

TEST_P(Limits, AChainOfFourIntermediatesIsBelievedAndOneOfFiveIsNot) {
  const TestAuthority root("Root");
  TestAuthority issuer = root;
  server_config_.trust_anchors = {root.certificate()};
  server_config_.check_revocation = false;
  for (int i = 1; i <= 5; ++i) {
    issuer = issuer.Subordinate({.common_name = "Intermediate " + std::to_string(i)});
    client_config_.identity =
        issuer.Issue({.common_name = "client", .usage = ExtendedKeyUsage::kClientAuth}).identity();
    if (i == 4) ShakeHands();
  }
  ExpectClientRefused(48, "too long");
}

// A session that never detached is not waited for: nothing is fed to Botan behind close_notify.
TEST_P(Limits, ARecordBehindThePeersCloseNotifyIsAViolation) {
  ShakeHands();
  ASSERT_TRUE(client_.backend->SendCloseNotify(client_.sink).ok());
  Pass(client_, server_);
  ASSERT_EQ(server_.sink.close_notifies, 1);
  server_.sink.records.clear();
  EXPECT_EQ(server_.backend->Receive(Bytes(30, 23), server_.sink).fault(), Fault::kViolation);
  EXPECT_EQ(server_.sink.close_notifies, 1);
  EXPECT_TRUE(server_.sink.records.empty());
}

// RFC 9846 §6.1, RFC 5246 §7.2.1.
TEST_P(Limits, ThePeersCloseNotifyIsAnsweredOverTls12AndLeavesOurDirectionOpenOverTls13) {
  ShakeHands();
  ASSERT_TRUE(client_.backend->SendCloseNotify(client_.sink).ok());
  server_.sink.records.clear();
  Pass(client_, server_);
  EXPECT_EQ(server_.sink.records.empty(), IsTls13());
  if (IsTls13()) {
    ASSERT_TRUE(server_.backend->Send(Text("still open"), server_.sink).ok());
    Pass(server_, client_);
    EXPECT_EQ(client_.sink.plaintext, "still open");
  }
  ASSERT_TRUE(server_.backend->SendCloseNotify(server_.sink).ok());
  Pass(server_, client_);
  EXPECT_EQ(client_.sink.close_notifies, 1);
  EXPECT_TRUE(client_.status.ok()) << client_.status.message();
}

// RFC 7627: without it another connection's keys may be the same.
TEST_P(Limits, NothingIsExportedOverTls12WithoutExtendedMasterSecret) {
  if (IsTls13()) GTEST_SKIP() << "TLS 1.3 always binds";
  server_config_.peer_certificate = PeerCertificate::kNotRequested;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                  SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
  server_context_ = *NewBotanContext(server_config_);
  SSL* const ssl = SSL_new(context.get());
  SSL_set_connect_state(ssl);
  client_.backend = *NewOpenSslBackend(ssl);
  server_.backend = *server_context_->NewBackend();
  ASSERT_TRUE(server_.backend->Start(server_.sink).ok());
  client_.status = client_.backend->Start(client_.sink);
  Exchange();
  ASSERT_EQ(server_.sink.handshakes_done, 1) << server_.status.message();
  EXPECT_EQ(server_.backend->Export("label", Bytes{1}, 16).status().fault(), Fault::kIncompatible);
}

TEST_P(Limits, AnEmptyContextIsExportedOverTls13Only) {
  ShakeHands();
  const Result<Bytes> exported = client_.backend->Export("label", {}, 16);
  EXPECT_EQ(exported.status().fault(), IsTls13() ? Fault::kNone : Fault::kIncompatible);
}

INSTANTIATE_TEST_SUITE_P(Botan, Limits, testing::ValuesIn(BotanVersions()), VersionName);

// What Botan 2.19 lacks.
class LimitsOfTheVersion : public BotanTest {};

TEST_P(LimitsOfTheVersion, Tls13IsRefusedWhereThisBotanHasNone) {
  server_config_.min_version = server_config_.max_version = TlsVersion::kTls13;
  const auto context = NewBotanContext(server_config_);
  EXPECT_EQ(context.ok(), BotanHasTls13());
  if (context.ok()) return;
  EXPECT_EQ(context.status().fault(), Fault::kIncompatible);
  EXPECT_NE(context.status().message().find("TLS 1.3 needs Botan 3"), std::string::npos);
}

TEST_P(LimitsOfTheVersion, TheHighestVersionIsTakenThatThisBotanHas) {
  for (TlsConfig* config : {&client_config_, &server_config_}) {
    config->min_version = TlsVersion::kTls12;
    config->max_version = TlsVersion::kTls13;
  }
  ShakeHands();
  EXPECT_EQ(client_.backend->Summary()->version,
            BotanHasTls13() ? TlsVersion::kTls13 : TlsVersion::kTls12);
}

INSTANTIATE_TEST_SUITE_P(Botan, LimitsOfTheVersion, testing::Values(TlsVersion::kTls12),
                         VersionName);

}  // namespace
}  // namespace detach
