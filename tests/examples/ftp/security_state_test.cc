#include "examples/ftp/security_state.h"

#include <gtest/gtest.h>

namespace detach {
namespace {

class SecurityStateTest : public ::testing::Test {
 protected:
  void LogIn() {
    ASSERT_EQ(state_.Auth("TLS").code, 234);
    ASSERT_EQ(state_.User("alice").code, 331);
    ASSERT_EQ(state_.Pass("secret").code, 230);
  }

  SecurityState state_{{"alice", "secret"}, /*ccc_allowed=*/true};
};

TEST_F(SecurityStateTest, TakesNoPasswordInClear) {
  EXPECT_EQ(state_.User("alice").code, 530);
  EXPECT_EQ(state_.Pass("secret").code, 530);
  EXPECT_FALSE(state_.logged_in());
}

TEST_F(SecurityStateTest, TakesTheRightPasswordOnly) {
  ASSERT_EQ(state_.Auth("TLS").code, 234);
  EXPECT_EQ(state_.Pass("secret").code, 503);
  for (const auto& [name, password] :
       {std::pair{"alice", "Secret"}, {"alice", ""}, {"bob", "secret"}}) {
    EXPECT_EQ(state_.User(name).code, 331);
    EXPECT_EQ(state_.Pass(password).code, 530);
    EXPECT_FALSE(state_.logged_in());
  }
}

TEST_F(SecurityStateTest, ASecondUserLogsTheFirstOut) {
  LogIn();
  EXPECT_EQ(state_.User("bob").code, 331);
  EXPECT_FALSE(state_.logged_in());
}

TEST_F(SecurityStateTest, CccIsForWhoHasLoggedInUnderTls) {
  EXPECT_EQ(state_.Ccc("").code, 533);
  ASSERT_EQ(state_.Auth("TLS").code, 234);
  EXPECT_EQ(state_.Ccc("").code, 533);
  ASSERT_EQ(state_.User("alice").code, 331);
  EXPECT_EQ(state_.Ccc("").code, 533);
  ASSERT_EQ(state_.Pass("secret").code, 230);
  EXPECT_EQ(state_.Ccc("now").code, 501);
  EXPECT_TRUE(state_.under_tls());
  EXPECT_EQ(state_.Ccc("").code, 200);
  EXPECT_FALSE(state_.under_tls());
  EXPECT_TRUE(state_.logged_in());
  EXPECT_EQ(state_.Ccc("").code, 533);
}

TEST_F(SecurityStateTest, CccMayBeRefusedByPolicy) {
  SecurityState strict({"alice", "secret"}, /*ccc_allowed=*/false);
  EXPECT_EQ(strict.Ccc("").code, 533);
  ASSERT_EQ(strict.Auth("TLS").code, 234);
  ASSERT_EQ(strict.User("alice").code, 331);
  ASSERT_EQ(strict.Pass("secret").code, 230);
  EXPECT_EQ(strict.Ccc("").code, 534);
  EXPECT_TRUE(strict.under_tls());
}

TEST_F(SecurityStateTest, AuthBeginsAnew) {
  LogIn();
  EXPECT_EQ(state_.Auth("TLS").code, 503);
  ASSERT_EQ(state_.Pbsz("0").code, 200);
  ASSERT_EQ(state_.Prot("P").code, 200);
  ASSERT_EQ(state_.Ccc("").code, 200);
  EXPECT_EQ(state_.Auth("SSL").code, 504);
  EXPECT_TRUE(state_.logged_in());
  EXPECT_EQ(state_.Auth("TLS").code, 234);
  EXPECT_FALSE(state_.logged_in());
  EXPECT_EQ(state_.protection(), Protection::kClear);
  EXPECT_EQ(state_.Prot("P").code, 503);
}

TEST_F(SecurityStateTest, ProtNeedsPbszAndPbszNeedsTls) {
  EXPECT_EQ(state_.Pbsz("0").code, 503);
  LogIn();
  EXPECT_EQ(state_.Prot("P").code, 503);
  EXPECT_EQ(state_.Pbsz("").code, 501);
  EXPECT_EQ(state_.Pbsz("0").code, 200);
  EXPECT_EQ(state_.Prot("S").code, 536);
  EXPECT_EQ(state_.Prot("X").code, 504);
  EXPECT_EQ(state_.protection(), Protection::kClear);
  EXPECT_EQ(state_.Prot("P").code, 200);
  EXPECT_EQ(state_.protection(), Protection::kPrivate);
}

TEST_F(SecurityStateTest, ProtectionStaysAsItIsWhenTlsIsLeft) {
  LogIn();
  ASSERT_EQ(state_.Pbsz("0").code, 200);
  ASSERT_EQ(state_.Prot("P").code, 200);
  ASSERT_EQ(state_.Ccc("").code, 200);
  EXPECT_EQ(state_.Pbsz("0").code, 503);
  EXPECT_EQ(state_.Prot("C").code, 503);
  EXPECT_EQ(state_.protection(), Protection::kPrivate);
}

}  // namespace
}  // namespace detach
