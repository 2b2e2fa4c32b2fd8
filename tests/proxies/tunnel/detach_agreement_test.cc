#include "proxies/tunnel/detach_agreement.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "bio/backend/openssl/openssl_context.h"
#include "tests/support/session_pair.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

// One outer connection between a client proxy and a reverse proxy.
class Outer {
 public:
  explicit Outer(TlsVersion version = TlsVersion::kTls13) {
    const TestAuthority authority("CA");
    TlsConfig server;
    server.role = Role::kServer;
    server.identity =
        authority.Issue({"rp", ExtendedKeyUsage::kServerAuth, {"DNS:rp.example"}}).identity();
    server.peer_certificate = PeerCertificate::kNotRequested;
    TlsConfig client;
    client.trust_anchors = {authority.certificate()};
    client.reference_identity = "rp.example";
    server.min_version = server.max_version = client.min_version = client.max_version = version;
    const auto client_context = NewOpenSslContext(client);
    const auto server_context = NewOpenSslContext(server);
    ends_.StartTls(**client_context, **server_context);
  }

  TlsSession& client() { return ends_.client.session; }
  TlsSession& server() { return ends_.server.session; }

 private:
  SessionPair ends_;
};

TEST(DetachAgreementTest, BothEndsOfOneConnectionAgree) {
  Outer outer;
  const Result<std::string> offer = OfferDetach(outer.client(), DetachMode::kCovered);
  ASSERT_TRUE(offer.ok()) << offer.status().message();
  const Agreement agreement = AgreeToDetach(outer.server(), *offer, true, false);
  ASSERT_TRUE(agreement.mode) << agreement.why_not;
  EXPECT_EQ(*agreement.mode, DetachMode::kCovered);
  EXPECT_TRUE(VerifyAgreement(outer.client(), agreement.field, DetachMode::kCovered).ok());
}

TEST(DetachAgreementTest, AMiddleboxThatCopiesTheOfferGetsNoAgreement) {
  Outer to_middlebox;
  Outer from_middlebox;
  const Result<std::string> offer = OfferDetach(to_middlebox.client(), DetachMode::kCovered);
  const Agreement agreement = AgreeToDetach(from_middlebox.server(), *offer, true, true);
  EXPECT_FALSE(agreement.mode);
  EXPECT_NE(agreement.why_not.find("middlebox"), std::string::npos) << agreement.why_not;
}

TEST(DetachAgreementTest, AMiddleboxThatCopiesTheAnswerIsAViolation) {
  Outer to_middlebox;
  Outer from_middlebox;
  const Result<std::string> own = OfferDetach(from_middlebox.client(), DetachMode::kCovered);
  const Agreement agreement = AgreeToDetach(from_middlebox.server(), *own, true, true);
  const Status verdict =
      VerifyAgreement(to_middlebox.client(), agreement.field, DetachMode::kCovered);
  EXPECT_EQ(verdict.fault(), Fault::kViolation);
}

// The two contexts of the exporter differ: an offer sent back is no agreement.
TEST(DetachAgreementTest, TheOfferItselfIsNoAnswer) {
  Outer outer;
  const Result<std::string> offer = OfferDetach(outer.client(), DetachMode::kCovered);
  EXPECT_EQ(VerifyAgreement(outer.client(), *offer, DetachMode::kCovered).fault(),
            Fault::kViolation);
}

TEST(DetachAgreementTest, AModeThatIsNotAllowedIsNotAgreedTo) {
  Outer outer;
  const Result<std::string> offer = OfferDetach(outer.client(), DetachMode::kConnect);
  EXPECT_FALSE(AgreeToDetach(outer.server(), *offer, true, false).mode);
  EXPECT_TRUE(AgreeToDetach(outer.server(), *offer, false, true).mode);
}

TEST(DetachAgreementTest, AnAnswerWithAnotherModeIsAViolation) {
  Outer outer;
  const Result<std::string> offer = OfferDetach(outer.client(), DetachMode::kConnect);
  const Agreement agreement = AgreeToDetach(outer.server(), *offer, true, true);
  EXPECT_EQ(VerifyAgreement(outer.client(), agreement.field, DetachMode::kCovered).fault(),
            Fault::kViolation);
}

TEST(DetachAgreementTest, Tls12CannotOfferOrAgreeToTheCoveredMode) {
  Outer outer(TlsVersion::kTls12);
  EXPECT_EQ(OfferDetach(outer.client(), DetachMode::kCovered).status().fault(),
            Fault::kIncompatible);
  const Result<std::string> connect = OfferDetach(outer.client(), DetachMode::kConnect);
  ASSERT_TRUE(connect.ok()) << connect.status().message();
  std::string forged = *connect;
  forged.replace(forged.find("connect"), 7, "covered");
  EXPECT_FALSE(AgreeToDetach(outer.server(), forged, true, true).mode);
}

TEST(DetachAgreementTest, WhatIsNoFieldIsNotAgreedTo) {
  Outer outer;
  EXPECT_FALSE(AgreeToDetach(outer.server(), "v=1, when=covered", true, true).mode);
  EXPECT_FALSE(AgreeToDetach(outer.server(), "v=2, when=covered, cb=:AAAA:", true, true).mode);
  EXPECT_EQ(VerifyAgreement(outer.client(), "yes", DetachMode::kCovered).fault(),
            Fault::kViolation);
}

}  // namespace
}  // namespace detach
