#include "proxies/identity/client_chains.h"

#include <gtest/gtest.h>

#include "tests/support/test_pki.h"

namespace detach {
namespace {

struct ClientChainsTest : ::testing::Test {
  // TrustWith returns what a listener with `root`'s certificate and these CRLs trusts.
  ClientChains TrustWith(std::vector<Bytes> crls) const {
    TlsConfig tls;
    tls.trust_anchors = {root.certificate()};
    tls.check_revocation = !crls.empty();
    tls.crls = std::move(crls);
    return *ClientChains::Create(tls);
  }

  TestAuthority root{"Root"};
  TestAuthority issuer = root.Subordinate({.common_name = "Issuer"});
  TestCertificate alice = issuer.Issue({"alice", ExtendedKeyUsage::kClientAuth});
};

TEST_F(ClientChainsTest, WhatVerifiedOnceStillDoes) {
  EXPECT_TRUE(TrustWith({}).Check(alice.chain).ok());
  EXPECT_TRUE(TrustWith({root.Crl(), issuer.Crl()}).Check(alice.chain).ok());
}

TEST_F(ClientChainsTest, ARevokedLeafDoesNot) {
  issuer.Revoke(alice.leaf());
  const Status status = TrustWith({root.Crl(), issuer.Crl()}).Check(alice.chain);
  EXPECT_EQ(status.fault(), Fault::kIncompatible);
  EXPECT_EQ(status.message(), "certificate revoked");
}

TEST_F(ClientChainsTest, ARevokedIntermediateDoesNot) {
  root.Revoke(issuer.certificate());
  EXPECT_FALSE(TrustWith({root.Crl(), issuer.Crl()}).Check(alice.chain).ok());
}

TEST_F(ClientChainsTest, WhatNobodyVouchesForAnyMoreDoesNot) {
  const TestAuthority other("Other");
  TlsConfig tls;
  tls.trust_anchors = {other.certificate()};
  EXPECT_FALSE(ClientChains::Create(tls)->Check(alice.chain).ok());
  EXPECT_FALSE(TrustWith({}).Check({}).ok());
  EXPECT_FALSE(TrustWith({}).Check({{0x30, 0x00}}).ok());
}

TEST_F(ClientChainsTest, ThatTimeHasPassedIsNoReason) {
  const TestCertificate expired = issuer.Issue({.common_name = "expired",
                                                .usage = ExtendedKeyUsage::kClientAuth,
                                                .not_before = std::chrono::hours(-9),
                                                .not_after = std::chrono::hours(-1)});
  const CrlTimes long_ago = {std::chrono::hours(-9), std::chrono::hours(-1)};
  EXPECT_TRUE(TrustWith({root.Crl(long_ago), issuer.Crl(long_ago)}).Check(expired.chain).ok());
}

TEST_F(ClientChainsTest, DamagedFilesAreRefused) {
  TlsConfig tls;
  tls.trust_anchors = {{0x30, 0x00}};
  EXPECT_EQ(ClientChains::Create(tls).status().fault(), Fault::kMisuse);
  tls.trust_anchors.clear();
  tls.crls = {{0x30, 0x00}};
  EXPECT_EQ(ClientChains::Create(tls).status().fault(), Fault::kMisuse);
}

}  // namespace
}  // namespace detach
