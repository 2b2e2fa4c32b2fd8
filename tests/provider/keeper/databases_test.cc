#include "provider/keeper/databases.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "provider/keeper/requests.h"
#include "tests/provider/keeper/kept_identities.h"
#include "tests/provider/keeper/pkcs11/soft_hsm.h"

namespace detach {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

std::string NameFor(const std::string& common_name) {
  KeyAndChain identity;
  identity.key_id = {0x3f, 0x9a, 0x01, 0xc2, 0xff};
  identity.chain = TestAuthority("CA").Issue({.common_name = common_name}).leaf();
  return DerivedName(identity);
}

TEST(DerivedNameTest, IsOneThatAFrameCanCarry) {
  EXPECT_EQ(NameFor("Alice"), "alice-3f9a01c2");
  EXPECT_EQ(NameFor("  A. B\xc3\xb6hm <a@b.example>\n"), "a-b-hm-a-b-example-3f9a01c2");
  EXPECT_EQ(NameFor("\xd0\xba"), "3f9a01c2");
  for (const std::size_t size : {46U, 47U, 48U, 49U, 64U}) {
    EXPECT_TRUE(IsIdentityName(NameFor(std::string(size, 'x')))) << size;
    EXPECT_TRUE(IsIdentityName(NameFor(std::string(size - 1, 'x') + "-"))) << size;
  }
}

TEST(DerivedNameTest, DoesWithoutACertificate) {
  KeyAndChain identity;
  EXPECT_EQ(DerivedName(identity), "00000000");
  identity.chain = {0x30, 0x82, 0xff};
  EXPECT_EQ(DerivedName(identity), "00000000");
}

// A token with two keys, in a reader that it can be taken out of.
class DatabasesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    hsm_ = std::make_unique<SoftHsm>();
    hsm_->AddToken("card");
    for (const char* name : {"alice", "bob"}) {
      const TestCertificate certificate = TestAuthority("CA").Issue({.common_name = name});
      hsm_->AddKey("card", name, certificate);
      hsm_->AddCertificate("card", name, certificate.leaf());
    }
  }
  static void TearDownTestSuite() { hsm_.reset(); }

  DatabasesTest() {
    ::setenv("CARD_READER", directory_.path().c_str(), 1);
    directory_.Write("pin", SoftHsm::kPin);
    PutIn();
  }

  // Of the keys that `attributes` mean, for clients.
  KeptDatabase Database(const std::string& attributes) const {
    KeptDatabase database;
    database.uri = "pkcs11:" + attributes +
                   "?module-path=" + fs::absolute("tests/support/card_reader.so").string() +
                   "&pin-source=file:" + (directory_.path() / "pin").string();
    database.purpose = Purpose::kTlsClient;
    return database;
  }

  static std::unique_ptr<Databases> Open(std::vector<KeptDatabase> databases) {
    auto reader = std::make_unique<TokenReader>("");
    for (const KeptDatabase& database : databases) EXPECT_TRUE(reader->Expect(database.uri).ok());
    return std::make_unique<Databases>(std::move(databases), std::move(reader));
  }

  void TakeOut() const { fs::remove(directory_.path() / "card"); }
  void PutIn() const { directory_.Write("card", ""); }

  static inline std::unique_ptr<SoftHsm> hsm_;
  TemporaryDirectory directory_;
};

TEST_F(DatabasesTest, WhatHasNotChangedIsTheVeryObject) {
  const auto databases = Open({Database("token=card")});
  const Holdings first = databases->Look({}, {});
  ASSERT_EQ(first.identities.size(), 2U);
  EXPECT_EQ(databases->Look({}, first).identities, first.identities);
  TakeOut();
  const Holdings without = databases->Look({}, first);
  EXPECT_TRUE(without.identities.empty());
  EXPECT_EQ(without.notices.size(), 1U);
  PutIn();
  EXPECT_EQ(databases->Look({}, without).identities.size(), 2U);
}

TEST_F(DatabasesTest, TheSameInTwoIsOneAndForAnotherPurposeIsAmiss) {
  KeptDatabase of_servers = Database("token=card;object=bob");
  of_servers.purpose = Purpose::kTlsServer;
  const auto databases = Open({Database("token=card"), Database("object=alice"), of_servers});
  const Holdings holdings = databases->Look({}, {});
  EXPECT_EQ(holdings.identities.size(), 2U);
  ASSERT_EQ(holdings.notices.size(), 1U);
  EXPECT_NE(holdings.notices[0].find("is not used, for that name is taken"), std::string::npos);
}

TEST_F(DatabasesTest, StandBehindWhatIsFixed) {
  std::vector<KeeperIdentity> identities;
  identities.push_back(NewIdentity("file", KeyType::kEcP256, Purpose::kTlsClient));
  const Holdings fixed = Hold(std::move(identities));
  const Holdings holdings = Open({Database("object=alice")})->Look(fixed, fixed);
  ASSERT_EQ(holdings.identities.size(), 2U);
  EXPECT_EQ(holdings.identities[0], fixed.identities[0]);
}

TEST_F(DatabasesTest, DoNotSignByTheKeyOfACa) {
  const auto databases = Open({Database("token=card")});
  KeeperIdentity ca = NewIdentity("ca", KeyType::kEcP256, Purpose::kIssuing);
  ca.content.key_id = databases->Look({}, {}).identities[0]->identity.content.key_id;
  std::vector<KeeperIdentity> identities;
  identities.push_back(std::move(ca));
  const Holdings fixed = Hold(std::move(identities));
  const Holdings holdings = databases->Look(fixed, fixed);
  EXPECT_EQ(holdings.identities.size(), 2U);  // the CA, and the one with the other key
  ASSERT_EQ(holdings.notices.size(), 1U);
  EXPECT_NE(holdings.notices[0].find("by which \"ca\" issues certificates"), std::string::npos);
}

// Each answer is whole, whatever comes and goes meanwhile.
TEST_F(DatabasesTest, AreAskedByManyThreadsWhileACardComesAndGoes) {
  Requests requests({}, Open({Database("token=card")}));
  std::atomic<int> seconds = 0;
  // So late that it looks again.
  const auto list = [&] {
    return requests.Answer({.type = FrameType::kListIdentity},
                           steady_clock::time_point::max() - std::chrono::hours(100) +
                               std::chrono::seconds(seconds += 2));
  };
  std::atomic<bool> ended = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!ended) {
        const Result<Frame> listed = list();
        if (listed->type == FrameType::kRefused) continue;
        const Frame chain = {.type = FrameType::kGetChain, .name = listed->name};
        const FrameType answer = requests.Answer(chain, steady_clock::now())->type;
        EXPECT_TRUE(answer == FrameType::kChain || answer == FrameType::kRefused);
      }
    });
  }
  for (int i = 0; i < 3; ++i) {
    TakeOut();
    while (list()->type != FrameType::kRefused) {
    }
    PutIn();
    while (list()->type != FrameType::kIdentity) {
    }
  }
  ended = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace detach
