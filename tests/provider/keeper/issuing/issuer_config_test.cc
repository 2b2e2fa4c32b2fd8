#include "provider/keeper/issuing/issuer_config.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/provider/keeper/config_case.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

class IssuerConfigTest : public ConfigCase {
 protected:
  IssuerConfigTest() {
    const TestAuthority authority("CA");
    ca_ = "file:" +
          directory_.Write("ca.pem", CertificatePem(authority.certificate()) + authority.KeyPem());
    const TestCertificate leaf = authority.Issue({.common_name = "leaf"});
    leaf_ = "file:" + directory_.Write("leaf.pem", leaf.ChainPem() + leaf.KeyPem());
    tokens_ = directory_.Write("tokens", "# none yet\n");
  }

  std::string Identity(const std::string& uri, const std::string& tokens,
                       const std::string& more = "") const {
    return "[[identity]]\npurpose = \"issuing\"\nname = \"ca\"\nuri = \"" + uri +
           "\"\ntokens_file = \"" + tokens + "\"\nspent_tokens_file = \"" +
           (directory_.path() / "spent").string() + "\"\n" + more;
  }

  std::string ca_;
  std::string leaf_;
  std::string tokens_;
};

TEST_F(IssuerConfigTest, MakesAnIssuer) {
  const Result<KeeperConfig> config =
      Load(Identity(ca_, tokens_, "certificate_lifetime = \"8h\"\n"));
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->identities[0].purpose, Purpose::kIssuing);
  EXPECT_NE(config->identities[0].issuer, nullptr);
  EXPECT_FALSE(config->identities[0].unsafe_tls12);
}

TEST_F(IssuerConfigTest, SaysWhereItIsWrong) {
  ExpectRefused(Identity(leaf_, tokens_), "4:7", "is no CA's");
  ExpectRefused(Identity("file:/none", tokens_), "4:7", "No such file");
  ExpectRefused(Identity(ca_, "/none"), "5:15", "/none: No such file");
  ExpectRefused(Identity(ca_, directory_.Write("bad", "\nx\n")), "5:15", "bad:2:1: the SHA-256");
  directory_.Write("spent", "x\n");
  ExpectRefused(Identity(ca_, tokens_), "6:21", "spent:1:1: is no spent token");
}

TEST_F(IssuerConfigTest, HasItsKeyForItself) {
  const std::string of_tls =
      "[[identity]]\npurpose = \"tls-client\"\nname = \"tls\"\nuri = \"" + ca_ + "\"\n";
  const std::string ca = Identity(ca_, tokens_);
  ExpectRefused(of_tls + ca, "8:7", "has the same key as \"tls\"");
  ExpectRefused(ca + of_tls, "10:7", "has the same key as \"ca\"");
}

TEST_F(IssuerConfigTest, KnowsNoCertificatesThatLastForWeeksNorSignatures) {
  ExpectRefused(Identity(ca_, tokens_, "certificate_lifetime = \"745h\"\n"), "7:24", "short-lived");
  ExpectRefused(Identity(ca_, tokens_, "certificate_lifetime = \"9m\"\n"), "7:24", "from \"10m\"");
  ExpectRefused(Identity(ca_, tokens_, "unsafe_tls12 = true\n"), "7:1", "unknown key");
  ExpectRefused("[[database]]\nuri = \"browser:\"\npurpose = \"issuing\"\n", "3:11",
                "not found in a database");
  std::string of_tls = Identity(leaf_, tokens_);
  of_tls.replace(of_tls.find("issuing"), 7, "tls-client");
  ExpectRefused(of_tls, "6:1", "unknown key \"spent_tokens_file\"");
}

}  // namespace
}  // namespace detach
