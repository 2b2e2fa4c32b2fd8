#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "provider/keeper/requests.h"
#include "tests/provider/keeper/issuing/certificate_requests.h"
#include "tests/provider/keeper/issuing/issuing_case.h"
#include "tests/provider/keeper/kept_identities.h"

namespace detach {
namespace {

using std::chrono::hours;

constexpr std::uint16_t kEcdsaP256Sha256 = 0x0403;
const std::string kAlice = "URI:spiffe://corp.example/alice";
const std::string kToken = "a token of Alice's";
const std::string kSpent = "a token of Alice's, spent";
const std::string kExpired = "a token of Alice's, expired";

class IssuingRequestsTest : public ::testing::Test {
 protected:
  IssuingRequestsTest() {
    const auto now = IssuingCase::Clock::now();
    case_.Add(kToken, kAlice, now + hours(1));
    case_.Add(kSpent, kAlice, now + hours(1));
    case_.Add(kExpired, kAlice, now - hours(1));
    KeeperIdentity authority = case_.Identity("ca");
    authority.unsafe_tls12 = true;  // which no configuration can say
    key_ = authority.content.key_id;
    std::vector<KeeperIdentity> identities;
    identities.push_back(std::move(authority));
    identities.push_back(NewIdentity("server", KeyType::kEcP256, Purpose::kTlsServer));
    identities.push_back(NewIdentity("client", KeyType::kEcP256, Purpose::kTlsClient));
    requests_ = std::make_unique<Requests>(std::move(identities));
    const PkeyPtr key = NewKey("P-256");
    request_ = NewRequest(key.get(), key.get());
    EXPECT_EQ(Ask(Issue("ca", kSpent)).type, FrameType::kIssued);
  }

  Frame Ask(const Frame& request) {
    now_ += std::chrono::seconds(1);
    return AskAtOnce(request);
  }
  Frame AskAtOnce(const Frame& request) {
    const Result<Frame> reply = requests_->Answer(request, now_);
    EXPECT_TRUE(reply.ok());
    return *reply;
  }
  Frame Issue(const std::string& name, const std::string& token) const {
    Frame request = {.type = FrameType::kIssue,
                     .argument = static_cast<std::uint16_t>(token.size()),
                     .name = name,
                     .payload = {token.begin(), token.end()}};
    request.payload.insert(request.payload.end(), request_.begin(), request_.end());
    return request;
  }
  static Frame Refused(Refusal refusal) {
    return {.type = FrameType::kRefused, .argument = static_cast<std::uint16_t>(refusal)};
  }

  IssuingCase case_;
  Quota::TimePoint now_;
  KeyId key_ = {};
  std::vector<std::uint8_t> request_;
  std::unique_ptr<Requests> requests_;
};

TEST_F(IssuingRequestsTest, ATokenAndARequestGetACertificateOnce) {
  const Frame issued = Ask(Issue("ca", kToken));
  ASSERT_EQ(issued.type, FrameType::kIssued);
  EXPECT_EQ(issued.name, "ca");
  EXPECT_NE(ParseCertificate(issued.payload), nullptr);
  EXPECT_EQ(Ask(Issue("ca", kToken)), Refused(Refusal::kToken));
}

TEST_F(IssuingRequestsTest, WhyATokenIsNotGoodIsNotSaid) {
  const Frame refused = Refused(Refusal::kToken);
  EXPECT_EQ(Ask(Issue("ca", "a token that nobody made")), refused);
  EXPECT_EQ(Ask(Issue("ca", kSpent)), refused);
  EXPECT_EQ(Ask(Issue("ca", kExpired)), refused);
  EXPECT_EQ(Ask(Issue("ca", "")), refused);
  Frame beyond = Issue("ca", kToken);
  beyond.argument = UINT16_MAX;
  EXPECT_EQ(Ask(beyond), refused);
}

TEST_F(IssuingRequestsTest, AnIssuingIdentitySignsNoBytesThatItIsGiven) {
  std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify";
  content += std::string(1, '\0') + std::string(32, 'h');
  for (const FrameType type : {FrameType::kSignCertificateVerify, FrameType::kSignTls12Digest}) {
    for (const char* role : {"server", "client"}) {
      content.replace(73, 6, role);
      const std::string bytes = type == FrameType::kSignTls12Digest ? content.substr(98) : content;
      EXPECT_EQ(Ask({.type = type,
                     .argument = kEcdsaP256Sha256,
                     .name = "ca",
                     .key = key_,
                     .payload = {bytes.begin(), bytes.end()}}),
                Refused(Refusal::kOtherPurpose));
    }
  }
}

TEST_F(IssuingRequestsTest, AnIdentityOfTlsIssuesNothing) {
  EXPECT_EQ(Ask(Issue("server", kToken)), Refused(Refusal::kOtherPurpose));
  EXPECT_EQ(Ask(Issue("client", kToken)), Refused(Refusal::kOtherPurpose));
  EXPECT_EQ(Ask(Issue("nobody", kToken)), Refused(Refusal::kUnknownIdentity));
  EXPECT_EQ(Ask(Issue("ca", kToken)).type, FrameType::kIssued);
}

TEST_F(IssuingRequestsTest, GuessingATokenCountsTowardsTheQuota) {
  now_ += std::chrono::seconds(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(AskAtOnce(Issue("ca", "a guess at a token")), Refused(Refusal::kToken));
  }
  EXPECT_EQ(AskAtOnce(Issue("ca", kToken)), Refused(Refusal::kQuota));
  EXPECT_EQ(Ask(Issue("ca", kToken)).type, FrameType::kIssued);
}

// Whatever comes over the wire: no certificate but for a request that its key has signed, and a
// token that is there.
TEST_F(IssuingRequestsTest, OfForgedFramesNoneButTheTokensOwnGetsACertificate) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const FrameBytes good = EncodeFrame(Issue("ca", kToken));
  const std::size_t used = 108 + kToken.size() + request_.size();
  int issued = 0;
  std::map<std::uint16_t, int> refused;
  for (int i = 0; i < 20'000; ++i) {
    FrameBytes bytes = good;
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      bytes[random() % 2 == 0 ? random() % 12 : random() % used] =
          static_cast<std::uint8_t>(random());
    }
    const Result<Frame> request = DecodeFrame(bytes);
    if (!request.ok() || !IsRequest(request->type)) continue;
    now_ += std::chrono::seconds(1);
    const Result<Frame> reply = requests_->Answer(*request, now_);
    if (!reply.ok()) continue;
    if (reply->type == FrameType::kRefused) ++refused[reply->argument];
    if (reply->type != FrameType::kIssued) continue;
    ++issued;
    ASSERT_EQ(bytes, good) << "frame " << i;  // what was changed was written as it was
  }
  EXPECT_LE(issued, 1);
  // They came as far as the token, and as the request behind it.
  for (const Refusal rule : {Refusal::kToken, Refusal::kCertificateRequest}) {
    EXPECT_GT(refused[static_cast<std::uint16_t>(rule)], 20) << RefusalText(rule);
  }
}

}  // namespace
}  // namespace detach
