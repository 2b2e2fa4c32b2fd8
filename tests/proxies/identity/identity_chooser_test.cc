#include "proxies/identity/identity_chooser.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(choice.report, "CN=direct");
}

TEST_F(IdentityChooserTest, FindsANamedAuthorityAboveAnIntermediate) {
  EXPECT_EQ(ChooseIdentity(Identities{stranger, below}, From({&root})).identity, below);
  EXPECT_EQ(ChooseIdentity(Identities{stranger, below}, From({&issuer})).identity, below);
}

TEST_F(IdentityChooserTest, TheShorterPathToANamedAuthorityWinsInAnyOrder) {
  EXPECT_EQ(ChooseIdentity(Identities{below, direct}, From({&root})).identity, direct);
  EXPECT_EQ(ChooseIdentity(Identities{direct, below}, From({&root})).identity, direct);
}

TEST_F(IdentityChooserTest, OfEquallySpecificOnesTheNewestWinsThenTheFirst) {
  const auto older =
      root.Issue({.common_name = "older", .usage = kClient, .not_before = std::chrono::hours(-9)})
          .identity();
  EXPECT_EQ(ChooseIdentity(Identities{older, direct}, From({&root})).identity, direct);
  EXPECT_EQ(ChooseIdentity(Identities{direct, older}, From({&root})).identity, direct);
  const auto twin = std::make_shared<const Identity>(*direct);
  EXPECT_EQ(ChooseIdentity(Identities{twin, direct}, From({&root})).identity, twin);
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
    EXPECT_NE(choice.report.find(part), std::string::npos) << part << " in " << choice.report;
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
  EXPECT_NE(none.report.find("CN=ed has a key with which the server takes no signature"),
            std::string::npos)
      << none.report;
}

TEST_F(IdentityChooserTest, AnUnlimitedCertificateIsForClientsToo) {
  const auto unlimited = root.Issue({"unlimited", ExtendedKeyUsage::kNone}).identity();
  EXPECT_EQ(ChooseIdentity(Identities{unlimited}, From({&root})).identity, unlimited);
}

TEST_F(IdentityChooserTest, AnEmptyDatabaseSaysSo) {
  const IdentityChoice choice = ChooseIdentity({}, {});
  EXPECT_EQ(choice.identity, nullptr);
  EXPECT_EQ(choice.report,
            "none fits: the server asks for one from any authority, and the certificate database "
            "is empty");
}

}  // namespace
}  // namespace detach
