#include "provider/keeper/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "tests/provider/keeper/config_case.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

class KeeperConfigTest : public ConfigCase {
 protected:
  KeeperConfigTest() {
    const TestCertificate certificate = TestAuthority("Test CA").Issue({.common_name = "id"});
    uri_ = "file:" + directory_.Write("id.pem", certificate.ChainPem() + certificate.KeyPem());
  }

  std::string Identity(const std::string& name, const std::string& more = "") const {
    return "[[identity]]\nname = \"" + name + "\"\nuri = \"" + uri_ +
           "\"\npurpose = \"tls-server\"\n" + more;
  }

  std::string uri_;
};

TEST_F(KeeperConfigTest, IsReadWithItsIdentities) {
  const Result<KeeperConfig> config =
      Load("socket = \"/run/keeper/socket\"\nallow_users = [\"root\"]\n" + Identity("a") +
           Identity("b", "unsafe_tls12 = true\nsignatures_per_second = 7\n"));
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->socket.text, "/run/keeper/socket");
  EXPECT_EQ(config->allow_users, (std::vector<uid_t>{::geteuid(), 0}));
  ASSERT_EQ(config->identities.size(), 2u);
  EXPECT_EQ(config->identities[0].name, "a");
  EXPECT_EQ(config->identities[0].purpose, Purpose::kTlsServer);
  EXPECT_FALSE(config->identities[0].unsafe_tls12);
  EXPECT_TRUE(config->identities[1].unsafe_tls12);
  EXPECT_EQ(config->identities[1].signatures_per_second, 7);
  EXPECT_NE(config->identities[1].content.key, nullptr);
}

TEST_F(KeeperConfigTest, SaysWhereItIsWrong) {
  ExpectRefused("", "1:1", "no identity to keep");
  ExpectRefused("sokcet = \"/x\"\n" + Identity("a"), "1:1", "unknown key \"sokcet\"");
  ExpectRefused("allow_users = [\"no such user\"]\n" + Identity("a"), "1:16", "no user");
  ExpectRefused(Identity("A b"), "2:8", "cannot be a name");
  ExpectRefused(Identity("a") + Identity("a"), "6:8", "two identities");
  ExpectRefused(Identity("a", "signatures_per_second = 0\n"), "5:25", "must be from 1");
  ExpectRefused("[[identity]]\nname = \"a\"\nuri = \"" + uri_ + "\"\npurpose = \"both\"\n", "4:11",
                "no purpose");
  ExpectRefused("[[identity]]\nname = \"a\"\nuri = \"file:/none\"\npurpose = \"tls-client\"\n",
                "3:7", "No such file");
  ExpectRefused("[identity]\nname = \"a\"\n", "1:1", "each headed [[identity]]");
}

TEST_F(KeeperConfigTest, IsATableOfAProxysFile) {
  const std::string proxys = "listen = [\"[::1]:0\"]\n[tls]\nidentity = \"identity:a\"\n[keeper]\n";
  const std::string row = "[[keeper.identity]]\nname = \"a\"\nuri = \"" + uri_ + "\"\n";
  const std::string path = directory_.Write("proxy.toml", proxys + "program = \"/p\"\n" + row);
  const Result<KeeperConfig> config = LoadKeeperOfProxy(path, Purpose::kTlsClient);
  ASSERT_TRUE(config.ok()) << config.status().message();
  ASSERT_EQ(config->identities.size(), 1u);
  EXPECT_EQ(config->identities[0].purpose, Purpose::kTlsClient);
  EXPECT_NE(config->identities[0].content.key, nullptr);
  const auto error = [&](const std::string& text) {
    const std::string at = directory_.Write("proxy.toml", text);
    return LoadKeeperOfProxy(at, Purpose::kTlsServer).status().message().substr(at.size());
  };
  EXPECT_EQ(error(proxys), ":4:1: there is no identity to keep; add an [[identity]]");
  EXPECT_EQ(error(proxys + row + "purpose = \"tls-client\"\n"),
            ":8:1: unknown key \"purpose\"; correct or remove it");
  EXPECT_EQ(error(proxys + row + row), ":9:8: there are two identities \"a\"");
}

TEST_F(KeeperConfigTest, WantsThePassphraseInAFileOfItsOwn) {
  ExpectRefused(Identity("a", "passphrase_file = \"/none\"\n"), "5:19", "No such file");
  const std::string empty = directory_.Write("empty", "\nsecond line");
  ExpectRefused(Identity("a", "passphrase_file = \"" + empty + "\"\n"), "5:19", "first line");
}

}  // namespace
}  // namespace detach
