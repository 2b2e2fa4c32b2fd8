#include "provider/keeper/pkcs11/token_reader.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/provider/keeper/pkcs11/found_identities.h"
#include "tests/provider/keeper/pkcs11/soft_hsm.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

// SoftHSM's tokens, in a reader that they can be taken out of.
class TokenReaderTest : public testing::Test {
 protected:
  struct Kind {
    const char* name;
    KeyType type;
    std::uint16_t scheme;
  };
  static constexpr Kind kKinds[] = {{"rsa", KeyType::kRsa2048, 0x0804},
                                    {"p256", KeyType::kEcP256, 0x0403},
                                    {"p384", KeyType::kEcP384, 0x0503},
                                    {"p521", KeyType::kEcP521, 0x0603},
                                    {"ed25519", KeyType::kEd25519, 0x0807}};

  static void SetUpTestSuite() {
    hsm_ = std::make_unique<SoftHsm>();
    hsm_->AddToken("card");
    const TestAuthority root("Root");
    const TestAuthority issuer = root.Subordinate({.common_name = "Issuer"});
    for (const Kind& kind : kKinds) {
      const TestCertificate certificate =
          issuer.Issue({.common_name = kind.name, .key = kind.type});
      hsm_->AddKey("card", kind.name, certificate);
      hsm_->AddCertificate("card", kind.name, certificate.leaf());
    }
    hsm_->AddCertificate("card", "issuer", issuer.certificate());
    hsm_->AddCertificate("card", "root", root.certificate());
    hsm_->AddToken("odd");
    hsm_->AddKey("odd", "bare", issuer.Issue({.common_name = "bare"}));
    hsm_->AddCertificate("odd", "widow", issuer.Issue({.common_name = "widow"}).leaf());
    hsm_->AddToken("wrong");
  }
  static void TearDownTestSuite() { hsm_.reset(); }

  TokenReaderTest() {
    ::setenv("CARD_READER", directory_.path().c_str(), 1);
    directory_.Write("card", "");
    directory_.Write("pin", std::string(SoftHsm::kPin) + "\r\n");
    directory_.Write("other_pin", "9999");
  }

  std::string Uri(const std::string& attributes, const std::string& pin = "pin") const {
    return "pkcs11:" + attributes +
           "?module-path=" + fs::absolute("tests/support/card_reader.so").string() +
           "&pin-source=file:" + (directory_.path() / pin).string();
  }

  FoundIdentities Read(const std::string& uri) {
    EXPECT_TRUE(reader_.Expects(uri) || reader_.Expect(uri).ok()) << uri;
    return reader_.Read(uri);
  }

  static const KeyAndChain& Named(const std::string& name, const FoundIdentities& found) {
    return *std::find_if(found.identities.begin(), found.identities.end(),
                         [&](const KeyAndChain& one) { return ChainOf(one).front() == name; });
  }

  void TakeOut() const { fs::remove(directory_.path() / "card"); }
  void PutIn() const { directory_.Write("card", ""); }

  static inline std::unique_ptr<SoftHsm> hsm_;
  TemporaryDirectory directory_;
  TokenReader reader_{""};
};

TEST_F(TokenReaderTest, SignsByEachTypeOfKeyAndHasItsChain) {
  for (const Kind& kind : kKinds) {
    const FoundIdentities found = Read(Uri("token=card;object=" + std::string(kind.name)));
    ASSERT_EQ(found.identities.size(), 1U) << kind.name << ": " << NoticesOf(found);
    EXPECT_EQ(NoticesOf(found), "");
    EXPECT_TRUE(Signs(found.identities.front(), kind.scheme)) << kind.name;
    EXPECT_EQ(ChainOf(found.identities.front()), (std::vector<std::string>{kind.name, "Issuer"}));
    EXPECT_EQ(found.identities.front().location, "pkcs11:token=card");
  }
}

TEST_F(TokenReaderTest, ReadsAllThatATokenHas) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Read(Uri("token=card")).identities.size(), std::size(kKinds));
  }
}

TEST_F(TokenReaderTest, SaysWhatHasNoCertificateAndWhatHasNoKey) {
  const FoundIdentities found = Read(Uri("token=odd"));
  EXPECT_TRUE(found.identities.empty());
  const std::string notices = NoticesOf(found);
  EXPECT_NE(notices.find("pkcs11:token=odd: holds no certificate of its private key"),
            std::string::npos)
      << notices;
  EXPECT_NE(notices.find("the certificate of CN=widow is not used"), std::string::npos) << notices;
  EXPECT_NE(NoticesOf(Read(Uri("token=odd;object=widow"))).find("has no such private key"),
            std::string::npos);
}

TEST_F(TokenReaderTest, ReadsBesideATokenThatRefusesThePin) {
  const std::string wrong = Uri("token=wrong", "other_pin");
  const std::string all = Uri("");
  ASSERT_TRUE(reader_.Expect(all).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(NoticesOf(Read(wrong)).find("pkcs11:token=wrong: refuses the PIN"),
              std::string::npos);
    const FoundIdentities found = Read(all);
    EXPECT_EQ(found.identities.size(), std::size(kKinds));
    EXPECT_EQ(found.places.size(), 3U);
  }
}

TEST_F(TokenReaderTest, NamesTheTokensThatAreThereInstead) {
  EXPECT_NE(NoticesOf(Read(Uri("token=third"))).find("there is no such token; there are \""),
            std::string::npos);
}

TEST_F(TokenReaderTest, HasAModuleThatDoesNotLoadAndAProviderThatIsMissing) {
  EXPECT_NE(NoticesOf(Read("pkcs11:?module-path=/nowhere.so")).find("cannot be loaded"),
            std::string::npos);
  TokenReader without("/nowhere/pkcs11.so");
  ASSERT_TRUE(without.Expect(Uri("")).ok());
  EXPECT_NE(NoticesOf(without.Read(Uri(""))).find("/nowhere/pkcs11.so is missing"),
            std::string::npos);
}

TEST_F(TokenReaderTest, ExpectsNothingWhoseUriOrPinCannotBe) {
  directory_.Write("empty", "\r\n1234\r\n");
  EXPECT_FALSE(reader_.Expect(Uri("", "nowhere")).ok());
  EXPECT_FALSE(reader_.Expect(Uri("", "empty")).ok());
  EXPECT_FALSE(reader_.Expect("pkcs11:colour=red").ok());
  EXPECT_FALSE(reader_.Expect("browser:netscape").ok());
  EXPECT_TRUE(reader_.empty());
}

// What was found before still signs, and is let go after its library's successors.
TEST_F(TokenReaderTest, FollowsACardThatComesAndGoes) {
  const std::string uri = Uri("token=card;object=p256");
  std::vector<FoundIdentities> before;
  for (int i = 0; i < 3; ++i) {
    before.push_back(Read(uri));
    ASSERT_EQ(before.back().identities.size(), 1U) << NoticesOf(before.back());
    for (const FoundIdentities& found : before) {
      EXPECT_TRUE(Signs(found.identities.front(), 0x0403));
    }
    TakeOut();
    const FoundIdentities gone = Read(uri);
    EXPECT_TRUE(gone.identities.empty());
    EXPECT_NE(NoticesOf(gone).find("there is no such token; there is none"), std::string::npos);
    PutIn();
  }
}

TEST_F(TokenReaderTest, SignsOnManyThreadsWhileItReads) {
  const std::string uri = Uri("token=card");
  const FoundIdentities found = Read(uri);
  std::atomic<bool> ended = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      do {
        for (const Kind& kind : kKinds) {
          EXPECT_TRUE(Signs(Named(kind.name, found), kind.scheme)) << kind.name;
        }
      } while (!ended);
    });
  }
  for (int i = 0; i < 3; ++i) {
    TakeOut();
    EXPECT_TRUE(Read(uri).identities.empty());
    PutIn();
    EXPECT_EQ(Read(uri).identities.size(), std::size(kKinds));
  }
  ended = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace detach
