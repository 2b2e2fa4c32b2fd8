#include "provider/keeper/requests.h"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/provider/keeper/kept_identities.h"

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint16_t kRsaPkcs1Sha256 = 0x0401;
constexpr std::uint16_t kEcdsaP256Sha256 = 0x0403;
constexpr std::uint16_t kEcdsaP384Sha384 = 0x0503;
constexpr std::uint16_t kRsaPssRsaeSha256 = 0x0804;
constexpr std::uint16_t kEd25519 = 0x0807;

Bytes AsBytes(const std::string& text) { return {text.begin(), text.end()}; }

Bytes CertificateVerify(const std::string& role) {
  return AsBytes(std::string(64, ' ') + "TLS 1.3, " + role + " CertificateVerify" +
                 std::string(1, '\0') + std::string(32, 'h'));
}

class RequestsTest : public ::testing::Test {
 protected:
  RequestsTest() {
    std::vector<KeeperIdentity> identities;
    identities.push_back(NewIdentity("server", KeyType::kRsa2048, Purpose::kTlsServer));
    identities.push_back(NewIdentity("client", KeyType::kEcP256, Purpose::kTlsClient));
    identities.push_back(NewIdentity("edwards", KeyType::kEd25519, Purpose::kTlsServer));
    identities.push_back(NewIdentity("old", KeyType::kRsa2048, Purpose::kTlsServer));
    identities.back().unsafe_tls12 = true;
    identities.push_back(NewIdentity("rare", KeyType::kEcP256, Purpose::kTlsServer));
    identities.back().signatures_per_second = 2;
    for (const KeeperIdentity& identity : identities) {
      keys_[identity.name] = identity.content.key_id;
      public_keys_[identity.name] = identity.content.chain;
    }
    requests_ = std::make_unique<Requests>(std::move(identities));
  }

  Frame Ask(const Frame& request) {
    const Result<Frame> reply = requests_->Answer(request, now_);
    EXPECT_TRUE(reply.ok());
    return *reply;
  }

  Frame Request(FrameType type, const std::string& name, std::uint16_t scheme, Bytes payload) {
    return {.type = type,
            .argument = scheme,
            .name = name,
            .key = keys_[name],
            .payload = std::move(payload)};
  }
  Frame Sign(const std::string& name, std::uint16_t scheme, Bytes content) {
    return Ask(Request(FrameType::kSignCertificateVerify, name, scheme, std::move(content)));
  }
  Frame SignDigest(const std::string& name, std::uint16_t scheme, std::size_t size) {
    return Ask(Request(FrameType::kSignTls12Digest, name, scheme, Bytes(size, 7)));
  }

  // Verifies by the certificate, as a peer would.
  bool Verifies(const std::string& name, const char* digest, const Bytes& message,
                const Bytes& signature) {
    const unsigned char* at = public_keys_[name].data();
    const X509Ptr leaf(d2i_X509(nullptr, &at, static_cast<long>(public_keys_[name].size())));
    EVP_PKEY* key = X509_get0_pubkey(leaf.get());
    const MdCtxPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;
    if (EVP_DigestVerifyInit_ex(context.get(), &padding, digest, nullptr, nullptr, key, nullptr) !=
        1) {
      return false;
    }
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
      EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST);
    }
    return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                            message.size()) == 1;
  }

  static ::testing::AssertionResult Refuses(const Frame& reply, Refusal refusal) {
    if (reply.type == FrameType::kRefused &&
        reply.argument == static_cast<std::uint16_t>(refusal)) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure()
           << "type " << static_cast<int>(reply.type) << " argument " << reply.argument;
  }

  Quota::TimePoint now_;
  std::map<std::string, KeyId> keys_;
  std::map<std::string, Bytes> public_keys_;
  std::unique_ptr<Requests> requests_;
};

TEST_F(RequestsTest, ListsEveryIdentityWithItsPurpose) {
  std::vector<std::string> names;
  for (std::uint16_t i = 0; i < 5; ++i) {
    const Frame reply = Ask({.type = FrameType::kListIdentity, .argument = i});
    ASSERT_EQ(reply.type, FrameType::kIdentity);
    EXPECT_EQ(reply.position, 5u);
    EXPECT_EQ(reply.key, keys_[reply.name]);
    EXPECT_EQ(reply.argument == static_cast<std::uint16_t>(Purpose::kTlsClient),
              reply.name == "client");
    EXPECT_TRUE(std::string(reply.payload.begin(), reply.payload.end()).starts_with("file:/"));
    names.push_back(reply.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"server", "client", "edwards", "old", "rare"}));
  EXPECT_TRUE(
      Refuses(Ask({.type = FrameType::kListIdentity, .argument = 5}), Refusal::kUnknownIdentity));
}

TEST_F(RequestsTest, GivesTheChainPieceByPiece) {
  Bytes chain;
  const Bytes& whole = public_keys_["server"];
  while (chain.size() < whole.size()) {
    const Frame reply = Ask({.type = FrameType::kGetChain,
                             .position = static_cast<std::uint32_t>(chain.size()),
                             .name = "server"});
    ASSERT_EQ(reply.type, FrameType::kChain);
    ASSERT_EQ(reply.position, whole.size());
    chain.insert(chain.end(), reply.payload.begin(), reply.payload.end());
  }
  EXPECT_EQ(chain, whole);
  for (const std::uint32_t position : {static_cast<std::uint32_t>(whole.size()), UINT32_MAX}) {
    EXPECT_TRUE(Refuses(Ask({.type = FrameType::kGetChain, .position = position, .name = "server"}),
                        Refusal::kPositionBeyondChain));
  }
}

TEST_F(RequestsTest, SignsACertificateVerifyOfItsOwnRole) {
  const Bytes server = CertificateVerify("server");
  const Bytes client = CertificateVerify("client");
  EXPECT_TRUE(
      Verifies("server", "SHA256", server, Sign("server", kRsaPssRsaeSha256, server).payload));
  EXPECT_TRUE(
      Verifies("client", "SHA256", client, Sign("client", kEcdsaP256Sha256, client).payload));
  EXPECT_TRUE(Verifies("edwards", nullptr, server, Sign("edwards", kEd25519, server).payload));
}

TEST_F(RequestsTest, RefusesTheOtherRolesCertificateVerify) {
  EXPECT_TRUE(
      Refuses(Sign("server", kRsaPssRsaeSha256, CertificateVerify("client")), Refusal::kOtherRole));
  EXPECT_TRUE(
      Refuses(Sign("client", kEcdsaP256Sha256, CertificateVerify("server")), Refusal::kOtherRole));
}

TEST_F(RequestsTest, RefusesWhatIsNoCertificateVerify) {
  // The beginnings of a TBSCertificate and of a CertificationRequestInfo, and other signed texts.
  const std::string spaces(64, ' ');
  for (const std::string& text : {
           std::string("\x30\x82\x01\x0f\xa0\x03\x02\x01\x02\x02\x14", 11) + std::string(119, 'x'),
           std::string("\x30\x82\x01\x0f\x02\x01\x00\x30", 8) + std::string(122, 'x'),
           spaces + "TLS 1.3, server Certificate Status" + std::string(48, 'x'),
           std::string("SSH SIGNATURE") + std::string(117, 'x'),
           std::string(146, '\0'),
       }) {
    EXPECT_TRUE(
        Refuses(Sign("server", kRsaPssRsaeSha256, AsBytes(text)), Refusal::kNoCertificateVerify));
    EXPECT_TRUE(Refuses(Sign("edwards", kEd25519, AsBytes(text)), Refusal::kNoCertificateVerify));
  }
}

TEST_F(RequestsTest, SignsADigestOnlyWhereTls12IsSwitchedOn) {
  EXPECT_TRUE(Refuses(SignDigest("server", kRsaPkcs1Sha256, 32), Refusal::kTls12Off));
  EXPECT_TRUE(Refuses(SignDigest("client", kEcdsaP256Sha256, 32), Refusal::kTls12Off));
  EXPECT_EQ(SignDigest("old", kRsaPkcs1Sha256, 32).type, FrameType::kSignature);
  EXPECT_TRUE(Refuses(SignDigest("old", kRsaPkcs1Sha256, 48), Refusal::kFailed));
}

TEST_F(RequestsTest, RefusesASchemeThatIsNotTheKeys) {
  const Bytes server = CertificateVerify("server");
  for (const std::uint16_t scheme : {
           kRsaPkcs1Sha256,   // not in TLS 1.3
           kEcdsaP256Sha256,  // another type of key
           std::uint16_t{0x0809},
           std::uint16_t{0},
           std::uint16_t{0x0201},
           std::uint16_t{0xffff},
       }) {
    EXPECT_TRUE(Refuses(Sign("server", scheme, server), Refusal::kUnfitScheme)) << scheme;
  }
  // TLS 1.3 ties the digest to the curve.
  EXPECT_TRUE(Refuses(Sign("client", kEcdsaP384Sha384, CertificateVerify("client")),
                      Refusal::kUnfitScheme));
  EXPECT_TRUE(Refuses(SignDigest("old", kEd25519, 32), Refusal::kUnfitScheme));
}

TEST_F(RequestsTest, SignsForNobodyWhoMeansAnotherKey) {
  Frame request = Request(FrameType::kSignCertificateVerify, "server", kRsaPssRsaeSha256,
                          CertificateVerify("server"));
  request.key[0] ^= 1;
  EXPECT_TRUE(Refuses(Ask(request), Refusal::kOtherKey));
  request.name = "nobody";
  EXPECT_TRUE(Refuses(Ask(request), Refusal::kUnknownIdentity));
  EXPECT_TRUE(
      Refuses(Ask({.type = FrameType::kGetChain, .name = "nobody"}), Refusal::kUnknownIdentity));
}

TEST_F(RequestsTest, SignsNoMoreOftenThanTheQuotaOfTheIdentityAllows) {
  const Bytes server = CertificateVerify("server");
  EXPECT_EQ(Sign("rare", kEcdsaP256Sha256, server).type, FrameType::kSignature);
  EXPECT_EQ(Sign("rare", kEcdsaP256Sha256, server).type, FrameType::kSignature);
  EXPECT_TRUE(Refuses(Sign("rare", kEcdsaP256Sha256, server), Refusal::kQuota));
  EXPECT_EQ(Sign("server", kRsaPssRsaeSha256, server).type, FrameType::kSignature);
  now_ += std::chrono::milliseconds(999);
  EXPECT_TRUE(Refuses(Sign("rare", kEcdsaP256Sha256, server), Refusal::kQuota));
  now_ += std::chrono::milliseconds(1);
  EXPECT_EQ(Sign("rare", kEcdsaP256Sha256, server).type, FrameType::kSignature);
}

TEST_F(RequestsTest, HasNoNoticeWhereNothingWasPassedOver) {
  const Frame reply = Ask({.type = FrameType::kListNotice});
  EXPECT_EQ(reply.type, FrameType::kNotice);
  EXPECT_EQ(reply.position, 0u);
  EXPECT_TRUE(reply.payload.empty());
}

TEST_F(RequestsTest, TakesNoReplyForARequest) {
  for (const FrameType type : {FrameType::kIdentity, FrameType::kChain, FrameType::kSignature,
                               FrameType::kRefused, FrameType::kNotice}) {
    EXPECT_FALSE(requests_->Answer({.type = type}, now_).ok());
  }
}

// Forgeries makes frames that are nearly right: each field by itself is that of some legal request.
class Forgeries {
 public:
  Forgeries(std::vector<Frame> legal, unsigned seed) : legal_(std::move(legal)), random_(seed) {}

  FrameBytes Next() {
    Frame frame = Any();
    if (OneIn(4)) frame.name = Any().name;
    if (OneIn(4)) frame.key = Any().key;
    if (OneIn(4)) frame.argument = Any().argument;
    FrameBytes bytes = EncodeFrame(frame);
    for (int changes = OneIn(16) ? 0 : 1 + OneIn(2); changes > 0; --changes) {
      const auto& [begin, size] = kFields[random_() % std::size(kFields)];
      bytes[begin + random_() % size] = static_cast<std::uint8_t>(random_());
    }
    return bytes;
  }

 private:
  // The header, the scheme, the name, the key, and what comes before the transcript hash.
  static constexpr std::pair<std::size_t, std::size_t> kFields[] = {
      {0, 12}, {2, 2}, {12, 3}, {76, 32}, {108, 98}};

  bool OneIn(unsigned count) { return random_() % count == 0; }
  const Frame& Any() { return legal_[random_() % legal_.size()]; }

  std::vector<Frame> legal_;
  std::mt19937 random_;
};

// Whatever comes over the wire, a signature comes back for a CertificateVerify of the identity's
// role, or for a digest where that is switched on, and for nothing else.
TEST_F(RequestsTest, AHundredThousandForgedFramesAreSignedOnlyAsTheIdentityAllows) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::vector<Frame> legal;
  for (const auto& [name, scheme] : {std::pair{"server", kRsaPssRsaeSha256},
                                     {"client", kEcdsaP256Sha256},
                                     {"edwards", kEd25519},
                                     {"old", kRsaPssRsaeSha256},
                                     {"rare", kEcdsaP256Sha256}}) {
    for (const char* role : {"server", "client"}) {
      legal.push_back(
          Request(FrameType::kSignCertificateVerify, name, scheme, CertificateVerify(role)));
    }
    legal.push_back(Request(FrameType::kSignTls12Digest, name, scheme, Bytes(32, 7)));
  }
  Forgeries forgeries(std::move(legal), seed);
  std::map<Refusal, int> refused;
  int signed_frames = 0;
  for (int i = 0; i < 100'000; ++i) {
    now_ += std::chrono::milliseconds(1);
    const Result<Frame> request = DecodeFrame(forgeries.Next());
    if (!request.ok()) continue;
    const Result<Frame> reply = requests_->Answer(*request, now_);
    if (!reply.ok()) continue;
    if (reply->type == FrameType::kRefused) ++refused[static_cast<Refusal>(reply->argument)];
    if (reply->type != FrameType::kSignature) continue;
    ++signed_frames;
    ASSERT_TRUE(keys_.contains(request->name) && request->key == keys_[request->name]);
    if (request->type == FrameType::kSignTls12Digest) {
      ASSERT_EQ(request->name, "old");
      continue;
    }
    ASSERT_EQ(request->type, FrameType::kSignCertificateVerify);
    const Bytes own = CertificateVerify(request->name == "client" ? "client" : "server");
    ASSERT_TRUE(std::equal(own.begin(), own.end() - 32, request->payload.begin()));
  }
  // They came as far as each rule, and some could be signed: not all died of their first bytes.
  for (const Refusal rule :
       {Refusal::kUnknownIdentity, Refusal::kOtherKey, Refusal::kUnfitScheme,
        Refusal::kNoCertificateVerify, Refusal::kOtherRole, Refusal::kTls12Off, Refusal::kQuota}) {
    EXPECT_GT(refused[rule], 100) << RefusalText(rule);
  }
  EXPECT_GT(signed_frames, 100);
}

}  // namespace
}  // namespace detach
