#include "proxies/identity/certificate_database.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/test_pki.h"

namespace detach {
namespace {

// As a keeper's list makes it: an object of its own each time.
StoredIdentity Stored(const TestCertificate& certificate, const std::string& place) {
  return {
      std::make_shared<const Identity>(Identity{certificate.chain, StoreUri{"identity:" + place}}),
      {place}};
}

class CertificateDatabaseTest : public testing::Test {
 protected:
  static const TestPki& Pki() {
    static const TestPki pki;
    return pki;
  }

  // What the keeper has, and what it says instead.
  Result<LoadedIdentities> Ask() const {
    if (!down_.ok()) return down_;
    LoadedIdentities found;
    for (const auto& [certificate, place] : kept_) {
      found.identities.push_back(Stored(*certificate, place));
    }
    return found;
  }

  CertificateDatabase Database(LoadedIdentities fixed = {}) {
    return CertificateDatabase(std::move(fixed), *Ask(), [this] { return Ask(); });
  }

  std::vector<std::pair<const TestCertificate*, std::string>> kept_ = {{&Pki().client, "alice"}};
  Status down_;
};

TEST_F(CertificateDatabaseTest, HasWhatTheKeeperHasNow) {
  CertificateDatabase database = Database();
  EXPECT_EQ(database.Read().identities.size(), 1U);
  kept_.emplace_back(&Pki().other_client, "bob");
  const LoadedIdentities found = database.Read();
  ASSERT_EQ(found.identities.size(), 2U);
  EXPECT_EQ(found.identities[1].identity->chain, Pki().other_client.chain);
  kept_.erase(kept_.begin());
  EXPECT_EQ(database.Read().identities.size(), 1U);
}

TEST_F(CertificateDatabaseTest, AnIdentityThatStaysIsTheSameObject) {
  CertificateDatabase database = Database();
  const auto alice = database.Read().identities[0].identity;
  kept_.insert(kept_.begin(), {&Pki().other_client, "bob"});
  EXPECT_EQ(database.Read().identities[1].identity, alice);
  kept_.back().second = "alice, in another database";
  EXPECT_NE(database.Read().identities[1].identity, alice);
}

TEST_F(CertificateDatabaseTest, WhatTheKeeperHadLastCountsWhileItIsGone) {
  CertificateDatabase database = Database();
  const auto alice = database.Read().identities[0].identity;
  down_ = Transport("the keeper: Connection refused");
  const LoadedIdentities found = database.Read();
  ASSERT_EQ(found.identities.size(), 1U);
  EXPECT_EQ(found.identities[0].identity, alice);
  ASSERT_EQ(found.skipped.size(), 1U);
  EXPECT_NE(found.skipped[0].find("the keeper: Connection refused"), std::string::npos);
  down_ = Status();
  EXPECT_EQ(database.Read().identities[0].identity, alice);
  EXPECT_TRUE(database.Read().skipped.empty());
}

TEST_F(CertificateDatabaseTest, ACertificateThatLiesInAFileTooIsOneIdentity) {
  LoadedIdentities fixed{{Stored(Pki().client, "file:alice.pem")}, {"notes.txt: no key"}};
  const auto in_file = fixed.identities[0].identity;
  CertificateDatabase database = Database(std::move(fixed));
  for (int i = 0; i < 2; ++i) {
    const LoadedIdentities found = database.Read();
    ASSERT_EQ(found.identities.size(), 1U);
    EXPECT_EQ(found.identities[0].identity, in_file);
    EXPECT_EQ(found.identities[0].key_uris, (std::vector<std::string>{"file:alice.pem", "alice"}));
    EXPECT_EQ(found.skipped, std::vector<std::string>{"notes.txt: no key"});
  }
}

}  // namespace
}  // namespace detach
