#include "provider/keeper/pkcs11/pkcs11_module.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "provider/keeper/pkcs11/pkcs11_uri.h"
#include "tests/provider/keeper/pkcs11/soft_hsm.h"

namespace detach {
namespace {

std::unique_ptr<Pkcs11Module> Load(const std::string& path) {
  Result<std::unique_ptr<Pkcs11Module>> module = Pkcs11Module::Load(path, "");
  EXPECT_TRUE(module.ok()) << module.status().message();
  return module.ok() ? *std::move(module) : nullptr;
}

// Each test has a token of its own: a login is the process's.
class Pkcs11ModuleTest : public testing::Test {
 protected:
  static constexpr const char* kTokens[] = {"right", "wrong", "missing", "shared"};

  static void SetUpTestSuite() {
    hsm_ = std::make_unique<SoftHsm>();
    for (const char* token : kTokens) hsm_->AddToken(token);
  }
  static void TearDownTestSuite() { hsm_.reset(); }

  static Token Find(const Pkcs11Module& module, std::string_view label) {
    const Result<std::vector<Token>> tokens = module.Tokens();
    EXPECT_TRUE(tokens.ok()) << tokens.status().message();
    const auto token = std::find_if(tokens->begin(), tokens->end(), [&](const Token& one) {
      return TokenLabel(one.info) == label;
    });
    EXPECT_NE(token, tokens->end()) << label;
    return *token;
  }

 private:
  static inline std::unique_ptr<SoftHsm> hsm_;
};

TEST_F(Pkcs11ModuleTest, IsLoadedFromAModuleOnly) {
  const Result<std::unique_ptr<Pkcs11Module>> missing = Pkcs11Module::Load("/nowhere.so", "");
  EXPECT_NE(missing.status().message().find("/nowhere.so: the PKCS#11 module cannot be loaded"),
            std::string::npos);
  const Result<std::unique_ptr<Pkcs11Module>> other = Pkcs11Module::Load("libcrypto.so.3", "");
  EXPECT_NE(other.status().message().find("is no PKCS#11 module"), std::string::npos);
}

TEST_F(Pkcs11ModuleTest, ListsTheTokensThatAreInUse) {
  const auto module = Load(kSoftHsm);
  const Result<std::vector<Token>> tokens = module->Tokens();
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens->size(), std::size(kTokens));  // and not SoftHSM's free slot
  EXPECT_NE(Find(*module, "right").Key(), Find(*module, "wrong").Key());
}

TEST_F(Pkcs11ModuleTest, MayBeLoadedTwice) {
  const auto first = Load(kSoftHsm);
  const auto second = Load(kSoftHsm);
  EXPECT_EQ(Find(*first, "right").Key(), Find(*second, "right").Key());
}

TEST_F(Pkcs11ModuleTest, LogsInOnce) {
  const auto module = Load(kSoftHsm);
  const Token token = Find(*module, "right");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(module->LogIn(token, SoftHsm::kPin).ok());
  // The process is logged in: another PIN is not looked at.
  EXPECT_TRUE(module->LogIn(token, "9999").ok());
  EXPECT_TRUE(Load(kSoftHsm)->LogIn(token, SoftHsm::kPin).ok());
}

TEST_F(Pkcs11ModuleTest, DoesNotTryAgainAfterAWrongPin) {
  const auto module = Load(kSoftHsm);
  const Token token = Find(*module, "wrong");
  for (const char* pin : {"9999", SoftHsm::kPin}) {
    EXPECT_NE(module->LogIn(token, pin).message().find("refuses the PIN"), std::string::npos);
  }
  EXPECT_TRUE(Load(kSoftHsm)->LogIn(token, SoftHsm::kPin).ok());
  const std::string much(100'000, '1');
  EXPECT_NE(Load(kSoftHsm)->LogIn(Find(*module, "shared"), much).message(), "");
}

TEST_F(Pkcs11ModuleTest, RemembersNothingWherePinsAreMissing) {
  const auto module = Load(kSoftHsm);
  const Token token = Find(*module, "missing");
  EXPECT_NE(module->LogIn(token, "").message().find("wants a PIN"), std::string::npos);
  EXPECT_TRUE(module->LogIn(token, SoftHsm::kPin).ok());
}

TEST_F(Pkcs11ModuleTest, KnowsWhatATokenCan) {
  const auto module = Load(kSoftHsm);
  const Token token = Find(*module, "right");
  EXPECT_TRUE(module->Signs(token, CKM_RSA_PKCS_PSS));
  EXPECT_FALSE(module->Signs(token, CKM_SHA256));  // it digests
  EXPECT_FALSE(module->Signs(token, CKM_VENDOR_DEFINED));
}

TEST_F(Pkcs11ModuleTest, SaysWhyItDoesNotLogIn) {
  EXPECT_NE(WhyNotLogIn(0), "");
  EXPECT_NE(WhyNotLogIn(CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_LOCKED), "");
  EXPECT_NE(WhyNotLogIn(CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_FINAL_TRY), "");
  EXPECT_EQ(WhyNotLogIn(CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_COUNT_LOW), "");
}

}  // namespace
}  // namespace detach
