#include "provider/keeper/issuing/enrolment_tokens.h"

#include <gtest/gtest.h>

#include <string>

#include "provider/keeper/utc_time.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

using namespace std::string_literals;

const std::string kHash(64, 'a');
const std::string kOther(64, 'b');
const std::string kEnd = "2026-11-24T00:00:00Z";
const std::string kGood = kHash + " URI:spiffe://corp.example/alice " + kEnd + "\n";

class EnrolmentTokensTest : public ::testing::Test {
 protected:
  Result<EnrolmentTokens> Load(const std::string& text) {
    return EnrolmentTokens::Load(directory_.Write("tokens", text));
  }
  void ExpectRefused(const std::string& text, const std::string& where, const std::string& why) {
    const Result<EnrolmentTokens> tokens = Load(text);
    ASSERT_FALSE(tokens.ok()) << text;
    const std::string message = tokens.status().message();
    EXPECT_TRUE(message.starts_with((directory_.path() / "tokens").string() + ":" + where + ": "))
        << message;
    EXPECT_NE(message.find(why), std::string::npos) << message;
  }

  TemporaryDirectory directory_;
};

TEST_F(EnrolmentTokensTest, AreReadLineByLine) {
  const Result<EnrolmentTokens> tokens =
      Load("# for Alice\n\n  \t\n" + kGood + kOther + "\tDNS:host.example  " + kEnd + "  ");
  ASSERT_TRUE(tokens.ok()) << tokens.status().message();
  EXPECT_EQ(tokens->size(), 2u);
  const EnrolmentToken* token = tokens->Find(*ParseSha256(kOther));
  ASSERT_NE(token, nullptr);
  EXPECT_EQ(SubjectAltNameText(token->name), "DNS:host.example");
  EXPECT_EQ(UtcText(token->not_after), kEnd);
  EXPECT_NE(tokens->Find(*ParseSha256(kHash)), nullptr);
  EXPECT_EQ(tokens->Find(*ParseSha256(std::string(63, 'a') + "b")), nullptr);
}

TEST_F(EnrolmentTokensTest, SayWhereALineIsWrong) {
  ExpectRefused(kGood + "x URI:a:b " + kEnd, "2:1", "the SHA-256 of a token");
  ExpectRefused(std::string(64, 'A') + " URI:a:b " + kEnd, "1:1", "lower-case hex");
  ExpectRefused(kHash, "1:65", "a name belongs here");
  ExpectRefused(kHash + " URI:a:b", "1:73", "the token's end");
  ExpectRefused(kHash + " URI:a:b 2026-11-24", "1:74", "the token's end");
  ExpectRefused(kHash + " URI:a:b " + kEnd + " x", "1:95", "something behind");
  ExpectRefused(kGood + "# again\n" + kGood, "3:1", "comes twice");
  ExpectRefused(kHash + "\r\n", "1:1", "the SHA-256");
}

TEST_F(EnrolmentTokensTest, AreNotReadFromAFileThatOthersMayRead) {
  const std::string path = directory_.Write("open", kGood);
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  const Result<EnrolmentTokens> tokens = EnrolmentTokens::Load(path);
  ASSERT_FALSE(tokens.ok());
  EXPECT_NE(tokens.status().message().find("chmod o-r"), std::string::npos);
}

TEST(SubjectAltNameTest, IsOfOneOfThreeKinds) {
  for (const char* good : {"URI:spiffe://corp.example/alice", "URI:urn:x", "DNS:a.b-c.example",
                           "DNS:localhost", "EMAIL:Alice.B+c@corp.example"}) {
    const auto name = ParseSubjectAltName(good);
    ASSERT_TRUE(name.has_value()) << good;
    EXPECT_EQ(SubjectAltNameText(*name), good);
  }
}

TEST(SubjectAltNameTest, IsNothingThatAnotherReaderMightTakeForMore) {
  for (const std::string& bad : {""s,
                                 "alice"s,
                                 "uri:spiffe://a/b"s,
                                 "URI:"s,
                                 "URI:nothing"s,
                                 "URI::x"s,
                                 "URI:1a:b"s,
                                 "URI:spiffe://a/b c"s,
                                 "URI:spiffe://a/\xc3\xa4"s,
                                 "URI:spiffe://a/b\0c"s,
                                 "DNS:"s,
                                 "DNS:*.corp.example"s,
                                 "DNS:Host.example"s,
                                 "DNS:a..b"s,
                                 "DNS:.a"s,
                                 "DNS:a."s,
                                 "DNS:-a"s,
                                 "DNS:a,DNS:b"s,
                                 "DNS:" + std::string(64, 'a'),
                                 "EMAIL:alice"s,
                                 "EMAIL:@corp.example"s,
                                 "EMAIL:alice@"s,
                                 "EMAIL:a@b@c"s,
                                 "IP:127.0.0.1"s,
                                 "URI:a:" + std::string(254, 'x')}) {
    EXPECT_FALSE(ParseSubjectAltName(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace detach
