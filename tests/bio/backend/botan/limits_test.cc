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

  // Gives the server another first CRL. Nobody looks at its signature when a context is made.
  void AmendCrl(const std::function<void(X509_CRL*)>& amend) {
    const Bytes& whole = server_config_.crls[0];
    const unsigned char* in = whole.data();
    X509_CRL* crl = d2i_X509_CRL(nullptr, &in, static_cast<long>(whole.size()));
    ASSERT_NE(crl, nullptr);
    amend(crl);
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    ASSERT_GT(X509_CRL_sign(crl, key, EVP_sha256()), 0);
    unsigned char* der = nullptr;
    const int size = i2d_X509_CRL(crl, &der);
    server_config_.crls[0] = Bytes(der, der + size);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    X509_CRL_free(crl);
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
  AmendCrl([](X509_CRL* crl) {
    X509_EXTENSION* scope = X509V3_EXT_conf_nid(nullptr, nullptr, NID_issuing_distribution_point,
                                                "critical,onlyuser:TRUE");
    ASSERT_EQ(X509_CRL_add_ext(crl, scope, -1), 1);
    X509_EXTENSION_free(scope);
  });
  ExpectRefused(server_config_, "complete CRLs only");
}

// RFC 5280 §5.3: who cannot process it must not use the CRL, for no certificate.
TEST_P(Limits, ACrlWithACriticalEntryExtensionIsRefused) {
  AmendCrl([](X509_CRL* crl) {
    X509_REVOKED* entry = X509_REVOKED_new();
    ASN1_INTEGER* serial = ASN1_INTEGER_new();
    ASSERT_EQ(ASN1_INTEGER_set(serial, 1), 1);
    ASSERT_EQ(X509_REVOKED_set_serialNumber(entry, serial), 1);
    X509_REVOKED_set_revocationDate(entry, const_cast<ASN1_TIME*>(X509_CRL_get0_lastUpdate(crl)));
    X509_EXTENSION* unknown = X509V3_EXT_conf(nullptr, nullptr, "1.2.3.4", "critical,DER:05:00");
    ASSERT_EQ(X509_REVOKED_add_ext(entry, unknown, -1), 1);
    ASSERT_EQ(X509_CRL_add0_revoked(crl, entry), 1);
    X509_EXTENSION_free(unknown);
    ASN1_INTEGER_free(serial);
  });
  ExpectRefused(server_config_, "critical extensions");
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

// Against a libssl whose options the test sets.
class AgainstOpenSsl : public Limits {
 protected:
  AgainstOpenSsl() {
    const int version = IsTls13() ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_max_proto_version(context_.get(), version);
  }

  // Each makes libssl one end, and Botan the other, and exchanges what they have to say.
  void ConnectOpenSsl() {
    server_config_.peer_certificate = PeerCertificate::kNotRequested;
    server_context_ = *NewBotanContext(server_config_);
    server_.backend = *server_context_->NewBackend();
    ssl_ = SSL_new(context_.get());
    SSL_set_connect_state(ssl_);
    client_.backend = *NewOpenSslBackend(ssl_);
    Begin();
  }
  void AcceptByOpenSsl() {
    client_context_ = *NewBotanContext(client_config_);
    client_.backend = *client_context_->NewBackend();
    ssl_ = SSL_new(context_.get());
    SSL_set_accept_state(ssl_);
    server_.backend = *NewOpenSslBackend(ssl_);
    Begin();
  }

  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_method()),
                                                                   SSL_CTX_free};
  SSL* ssl_ = nullptr;

 private:
  void Begin() {
    server_.status = server_.backend->Start(server_.sink);
    client_.status = client_.backend->Start(client_.sink);
    Exchange();
  }
};

// RFC 7627: without it another connection's keys may be the same.
TEST_P(AgainstOpenSsl, NothingIsExportedOverTls12WithoutExtendedMasterSecret) {
  if (IsTls13()) GTEST_SKIP() << "TLS 1.3 always binds";
  SSL_CTX_set_options(context_.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
  ConnectOpenSsl();
  ASSERT_EQ(server_.sink.handshakes_done, 1) << server_.status.message();
  EXPECT_EQ(server_.backend->Export("label", Bytes{1}, 16).status().fault(), Fault::kIncompatible);
}

TEST_P(AgainstOpenSsl, ARenegotiationIsNotBegun) {
  if (IsTls13()) GTEST_SKIP() << "TLS 1.3 has none";
  ConnectOpenSsl();
  ASSERT_EQ(server_.sink.handshakes_done, 1) << server_.status.message();
  SSL_clear_options(ssl_, SSL_OP_NO_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(ssl_), 1);
  // A libssl client asks with its next write, and that does not succeed.
  EXPECT_FALSE(client_.backend->Send(Text("x"), client_.sink).ok());
  Pass(client_, server_);
  EXPECT_EQ(server_.sink.handshakes_done, 1);
  EXPECT_EQ(server_.sink.plaintext, "");
  EXPECT_TRUE(server_.status.ok()) << server_.status.message();
}

int ChooseWhatNobodyOffered(SSL* /*ssl*/, const unsigned char** out, unsigned char* size,
                            const unsigned char* /*in*/, unsigned int /*in_size*/,
                            void* /*argument*/) {
  static const unsigned char protocol[] = {'h', '9'};
  *out = protocol;
  *size = sizeof(protocol);
  return SSL_TLSEXT_ERR_OK;
}

// RFC 7301 §3.1.
TEST_P(AgainstOpenSsl, AProtocolThatWasNotOfferedIsAViolation) {
  client_config_.alpn = {"http/1.1"};
  client_config_.dangerous_accept_any_peer = true;
  SSL_CTX_set_alpn_select_cb(context_.get(), ChooseWhatNobodyOffered, nullptr);
  const unsigned char* der = Pki().server.leaf().data();
  SSL_CTX_use_certificate_ASN1(context_.get(), static_cast<int>(Pki().server.leaf().size()), der);
  const unsigned char* key = Pki().server.key.data();
  EVP_PKEY* const parsed =
      d2i_AutoPrivateKey(nullptr, &key, static_cast<long>(Pki().server.key.size()));
  SSL_CTX_use_PrivateKey(context_.get(), parsed);
  EVP_PKEY_free(parsed);
  AcceptByOpenSsl();
  EXPECT_EQ(client_.status.fault(), Fault::kViolation) << client_.status.message();
  EXPECT_EQ(client_.sink.handshakes_done, 0);
  EXPECT_FALSE(server_.status.ok()) << "no alert came";
}

INSTANTIATE_TEST_SUITE_P(Botan, AgainstOpenSsl, testing::ValuesIn(BotanVersions()), VersionName);

// A pinned key needs no trust anchor, at a server neither: it asks for a certificate all the same.
TEST_P(Limits, AServerMayPinItsClientsKey) {
  server_config_.trust_anchors.clear();
  server_config_.crls.clear();
  server_config_.pinned_spki_sha256 = SpkiSha256(Pki().client.leaf());
  ShakeHands();
  EXPECT_EQ(server_.backend->Summary()->peer_chain, Pki().client.chain);
  server_config_.pinned_spki_sha256 = SpkiSha256(Pki().server.leaf());
  ExpectClientRefused(42, "pinned");
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
