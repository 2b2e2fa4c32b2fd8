#include "proxies/identity/identity_chooser.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proxies/identity/certificate_names.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

using Identities = std::vector<std::shared_ptr<const Identity>>;
constexpr ExtendedKeyUsage kClient = ExtendedKeyUsage::kClientAuth;

constexpr std::uint16_t kEcdsaP256Sha256 = 0x0403;
constexpr std::uint16_t kRsaPssRsaeSha256 = 0x0804;
constexpr std::uint16_t kEd25519 = 0x0807;

CertificateRequest From(const std::vector<const TestAuthority*>& authorities,
                        std::vector<std::uint16_t> schemes = {kEcdsaP256Sha256}) {
  CertificateRequest request;
  request.signature_schemes = std::move(schemes);
  for (const TestAuthority* authority : authorities) {
    request.authorities.push_back(SubjectName(authority->certificate()));
  }
  return request;
}

std::chrono::system_clock::time_point IssuedAt(const Identity& identity) {
  return ReadCertificateNames(identity.chain.front())->not_before;
}

struct IdentityChooserTest : ::testing::Test {
  TestAuthority root{"Root"};
  TestAuthority issuer = root.Subordinate({.common_name = "Issuer"});
  TestAuthority other{"Other"};
  std::shared_ptr<const Identity> direct = root.Issue({"direct", kClient}).identity();
  std::shared_ptr<const Identity> below = issuer.Issue({"below", kClient}).identity();
  std::shared_ptr<const Identity> stranger = other.Issue({"stranger", kClient}).identity();
};

TEST_F(IdentityChooserTest, TakesTheOneWhoseIssuerIsNamed) {
  const IdentityChoice choice = ChooseIdentity(Identities{stranger, direct}, From({&root}));
  EXPECT_EQ(choice.identity, direct);
  EXPECT_EQ(choice.Report(), "CN=direct");
}

TEST_F(IdentityChooserTest, FindsANamedAuthorityAboveAnIntermediate) {
  EXPECT_EQ(ChooseIdentity(Identities{stranger, below}, From({&root})).identity, below);
  EXPECT_EQ(ChooseIdentity(Identities{stranger, below}, From({&issuer})).identity, below);
}

TEST_F(IdentityChooserTest, TheShorterPathToANamedAuthorityWinsInAnyOrder) {
  EXPECT_EQ(ChooseIdentity(Identities{below, direct}, From({&root})).identity, direct);
  EXPECT_EQ(ChooseIdentity(Identities{direct, below}, From({&root})).identity, direct);
}

TEST_F(IdentityChooserTest, OfEquallySpecificOnesTheNewestWins) {
  const auto older =
      root.Issue({.common_name = "older", .usage = kClient, .not_before = std::chrono::hours(-9)})
          .identity();
  EXPECT_EQ(ChooseIdentity(Identities{older, direct}, From({&root})).identity, direct);
  EXPECT_EQ(ChooseIdentity(Identities{direct, older}, From({&root})).identity, direct);
}

TEST_F(IdentityChooserTest, DecidesAlikeWhateverTheOrderOfTheDatabase) {
  const auto older =
      root.Issue({.common_name = "older", .usage = kClient, .not_before = std::chrono::hours(-9)})
          .identity();
  auto twin = direct;
  auto other_twin = direct;
  while (twin == other_twin || IssuedAt(*twin) != IssuedAt(*other_twin)) {
    twin = root.Issue({"twin", kClient}).identity();
    other_twin = root.Issue({"twin", kClient}).identity();
  }
  Identities all = {twin, other_twin, older, below, stranger};
  const auto chosen = ChooseIdentity(all, From({&root})).identity;
  EXPECT_TRUE(chosen == twin || chosen == other_twin);
  std::sort(all.begin(), all.end());
  do {
    EXPECT_EQ(ChooseIdentity(all, From({&root})).identity, chosen);
  } while (std::next_permutation(all.begin(), all.end()));
}

TEST_F(IdentityChooserTest, SaysOfEachOneThatFitsWhyAnotherIsTaken) {
  const auto older =
      root.Issue({.common_name = "older", .usage = kClient, .not_before = std::chrono::hours(-9)})
          .identity();
  const auto twin = std::make_shared<const Identity>(*direct);
  const IdentityChoice choice =
      ChooseIdentity(Identities{stranger, below, older, direct, twin}, From({&root}));
  EXPECT_EQ(choice.name, "CN=direct");
  EXPECT_EQ(choice.authorities, "CN=Root");
  std::vector<std::string> verdicts;
  for (const Verdict& verdict : choice.verdicts) {
    verdicts.push_back(verdict.name + " " + verdict.obstacle);
  }
  EXPECT_EQ(verdicts,
            (std::vector<std::string>{"CN=stranger is issued by CN=Other",
                                      "CN=below is less specific than CN=direct",
                                      "CN=older is older than CN=direct", "CN=direct ",
                                      "CN=direct is as good as CN=direct, of which one had to be "
                                      "taken"}));
}

TEST_F(IdentityChooserTest, FindsTheNamedAuthorityAtEachOfSeveralLevels) {
  const TestAuthority second = issuer.Subordinate({.common_name = "Second"});
  const TestAuthority third = second.Subordinate({.common_name = "Third"});
  const auto deep = third.Issue({"deep", kClient}).identity();
  ASSERT_EQ(deep->chain.size(), 4U);
  for (const auto* level : std::vector<const TestAuthority*>{&root, &issuer, &second, &third}) {
    EXPECT_EQ(ChooseIdentity(Identities{stranger, deep}, From({level})).identity, deep);
  }
  // Where the intermediates are not there, nobody can know what is above them.
  const auto lonely = std::make_shared<const Identity>(Identity{{deep->chain.front()}, deep->key});
  EXPECT_EQ(ChooseIdentity(Identities{lonely}, From({&third})).identity, lonely);
  EXPECT_EQ(ChooseIdentity(Identities{lonely}, From({&second})).identity, nullptr);
}

TEST_F(IdentityChooserTest, PassesOverWhatIsIssuedBelowACaThatIsNotValid) {
  const auto below_ca = [this](std::chrono::hours from, std::chrono::hours until) {
    return root.Subordinate({.common_name = "Old issuer", .not_before = from, .not_after = until})
        .Issue({"below the old one", kClient})
        .identity();
  };
  const auto expired = below_ca(std::chrono::hours(-9), std::chrono::hours(-1));
  const auto early = below_ca(std::chrono::hours(1), std::chrono::hours(9));
  const IdentityChoice choice = ChooseIdentity(Identities{expired, early, below}, From({&root}));
  EXPECT_EQ(choice.identity, below);
  EXPECT_EQ(choice.verdicts[0].obstacle.find("is issued below CN=Old issuer, which expired on "),
            0U);
  EXPECT_EQ(
      choice.verdicts[1].obstacle.find("is issued below CN=Old issuer, which is not valid before "),
      0U);
  // A server that named that CA itself trusts it, and looks no further.
  const auto& old_issuer = expired->chain[1];
  CertificateRequest request = From({});
  request.authorities.push_back(SubjectName(old_issuer));
  EXPECT_EQ(ChooseIdentity(Identities{expired}, request).identity, expired);
}

TEST_F(IdentityChooserTest, RsaByPkcs1IsForTls12Only) {
  const auto rsa =
      root.Issue({.common_name = "rsa", .usage = kClient, .key = KeyType::kRsa2048}).identity();
  constexpr std::uint16_t kRsaPkcs1Sha256 = 0x0401;
  CertificateRequest request = From({&root}, {kRsaPkcs1Sha256, kEcdsaP256Sha256});
  EXPECT_EQ(ChooseIdentity(Identities{rsa}, request).identity, nullptr);
  request.version = TlsVersion::kTls12;
  EXPECT_EQ(ChooseIdentity(Identities{rsa}, request).identity, rsa);
}

TEST_F(IdentityChooserTest, EachLevelIsLessSpecificThanTheOneBelow) {
  const TestAuthority second = issuer.Subordinate({.common_name = "Second"});
  const TestAuthority third = second.Subordinate({.common_name = "Third"});
  // The deeper the newer: by their age alone the order would be the other way round.
  const auto at = [](const TestAuthority& authority, int hours) {
    return authority
        .Issue({.common_name = "x", .usage = kClient, .not_before = std::chrono::hours(-hours)})
        .identity();
  };
  Identities levels = {at(root, 9), at(issuer, 8), at(second, 7), at(third, 6)};
  while (!levels.empty()) {
    EXPECT_EQ(ChooseIdentity(levels, From({&root})).identity, levels.front());
    levels.erase(levels.begin());
  }
}

TEST_F(IdentityChooserTest, RefusesAKeyThatIsNotForSignatures) {
  const auto issue = [this](const char* name, const char* key_usage) {
    return root.Issue({.common_name = name, .usage = kClient, .key_usage = key_usage}).identity();
  };
  const IdentityChoice choice = ChooseIdentity(
      Identities{issue("keyAgreement", "keyAgreement"), issue("CRLs", "critical,cRLSign")},
      From({&root}));
  EXPECT_EQ(choice.identity, nullptr);
  for (const char* part : {"CN=keyAgreement has a key that is not for signatures",
                           "CN=CRLs has a key that is not for signatures"}) {
    EXPECT_NE(choice.Report().find(part), std::string::npos) << part << " in " << choice.Report();
  }
  const auto both = issue("both", "critical,digitalSignature,keyAgreement");
  EXPECT_EQ(ChooseIdentity(Identities{both}, From({&root})).identity, both);
  const auto any = issue("any", "");
  EXPECT_EQ(ChooseIdentity(Identities{any}, From({&root})).identity, any);
}

TEST_F(IdentityChooserTest, ADamagedCertificateIsNeverTaken) {
  const auto damaged = std::make_shared<const Identity>(Identity{{{0x30, 0x00}}, direct->key});
  EXPECT_EQ(ChooseIdentity(Identities{damaged, direct}, From({&root})).identity, direct);
  const IdentityChoice choice = ChooseIdentity(Identities{damaged}, From({}));
  EXPECT_EQ(choice.identity, nullptr);
  EXPECT_EQ(choice.verdicts.at(0).obstacle, "has a damaged certificate");
}

TEST_F(IdentityChooserTest, WhereNoAuthorityIsNamedAnyWillDo) {
  EXPECT_EQ(ChooseIdentity(Identities{stranger}, From({})).identity, stranger);
}

TEST_F(IdentityChooserTest, NamesAreComparedInCanonicalForm) {
  const TestAuthority spelled_otherwise("ROOT");
  EXPECT_EQ(ChooseIdentity(Identities{direct}, From({&spelled_otherwise})).identity, direct);
}

TEST_F(IdentityChooserTest, AnAuthorityThatDoesNotParseIsNotAny) {
  CertificateRequest request = From({});
  request.authorities = {{0xff, 0xff}};
  EXPECT_EQ(ChooseIdentity(Identities{direct}, request).identity, nullptr);
}

TEST_F(IdentityChooserTest, SaysWhyEachOneWasNotTaken) {
  const auto expired = root.Issue({.common_name = "expired",
                                   .usage = kClient,
                                   .not_before = std::chrono::hours(-9),
                                   .not_after = std::chrono::hours(-1)})
                           .identity();
  const auto early =
      root.Issue({.common_name = "early", .usage = kClient, .not_before = std::chrono::hours(1)})
          .identity();
  const auto server = root.Issue({"server", ExtendedKeyUsage::kServerAuth}).identity();
  const IdentityChoice choice =
      ChooseIdentity(Identities{expired, early, server, stranger}, From({&root, &issuer}));
  EXPECT_EQ(choice.identity, nullptr);
  for (const char* part :
       {"from CN=Root or CN=Issuer", "CN=expired expired on ", "CN=early is not valid before ",
        "CN=server is not for client authentication", "CN=stranger is issued by CN=Other"}) {
    EXPECT_NE(choice.Report().find(part), std::string::npos) << part << " in " << choice.Report();
  }
}

TEST_F(IdentityChooserTest, TakesAKeyThatTheServerTakesASignatureOf) {
  const auto issue = [this](const char* name, KeyType key) {
    return root.Issue({.common_name = name, .usage = kClient, .key = key}).identity();
  };
  const Identities all = {direct, issue("rsa", KeyType::kRsa2048), issue("ed", KeyType::kEd25519)};
  EXPECT_EQ(ChooseIdentity(all, From({&root}, {kEcdsaP256Sha256})).identity, all[0]);
  EXPECT_EQ(ChooseIdentity(all, From({&root}, {kRsaPssRsaeSha256})).identity, all[1]);
  EXPECT_EQ(ChooseIdentity(all, From({&root}, {kEd25519})).identity, all[2]);
  constexpr std::uint16_t kEcdsaP384Sha384 = 0x0503;
  const IdentityChoice none = ChooseIdentity(all, From({&root}, {kEcdsaP384Sha384}));
  EXPECT_EQ(none.identity, nullptr);
  EXPECT_NE(none.Report().find("CN=ed has a key with which the server takes no signature"),
            std::string::npos)
      << none.Report();
}

TEST_F(IdentityChooserTest, AnUnlimitedCertificateIsForClientsToo) {
  const auto unlimited = root.Issue({"unlimited", ExtendedKeyUsage::kNone}).identity();
  EXPECT_EQ(ChooseIdentity(Identities{unlimited}, From({&root})).identity, unlimited);
}

TEST_F(IdentityChooserTest, AnEmptyDatabaseSaysSo) {
  const IdentityChoice choice = ChooseIdentity({}, {});
  EXPECT_EQ(choice.identity, nullptr);
  EXPECT_EQ(choice.Report(),
            "none fits: the server asks for one from any authority, and the certificate database "
            "is empty");
}

}  // namespace
}  // namespace detach
