#include "proxies/client/config.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

Result<UniqueFd> NoKeeper(const std::string&) { return Internal("none is started here"); }

const TestPki& Pki() {
  static const TestPki pki;
  return pki;
}

class ClientProxyConfigTest : public ::testing::Test {
 protected:
  ClientProxyConfigTest() {
    directory_.Write("alice.pem", Pki().client.ChainPem() + Pki().client.KeyPem());
    directory_.Write("rp-ca.pem", CertificatePem(Pki().server_root.certificate()));
  }

  // Toml returns a good file with `from` replaced by `to`. DIR stands for the directory.
  std::string Toml(const std::string& from = "", const std::string& to = "") const {
    std::string toml = R"(listen = ["127.0.0.1:8118"]
pid_file = "DIR/cp.pid"
identities = ["file:DIR/alice.pem"]
[reverse_proxy]
url = "https://rp.example.com"
trust_anchors = "DIR/rp-ca.pem"
[detach]
modes = ["covered"]
[mapping]
hosts = ["*.corp.example"]
)";
    if (!from.empty()) toml.replace(toml.find(from), from.size(), to);
    for (std::size_t at; (at = toml.find("DIR")) != std::string::npos;) {
      toml.replace(at, 3, directory_.path().string());
    }
    return toml;
  }

  Result<ClientProxyConfig> Load(const std::string& from = "", const std::string& to = "") {
    return LoadClientProxyConfig(directory_.Write("cp.toml", Toml(from, to)), NoKeeper);
  }

  // ErrorOf returns the complaint about a file with `from` replaced by `to`, without its path.
  std::string ErrorOf(const std::string& from, const std::string& to) {
    const Result<ClientProxyConfig> config = Load(from, to);
    if (config.ok()) return "";
    const std::string path = (directory_.path() / "cp.toml").string();
    const std::string message = config.status().message();
    EXPECT_TRUE(message.starts_with(path)) << message;
    return message.substr(std::min(path.size(), message.size()));
  }

  TemporaryDirectory directory_;
};

#define EXPECT_STARTS_WITH(text, prefix) \
  EXPECT_EQ(std::string(text).substr(0, std::string(prefix).size()), prefix)

TEST_F(ClientProxyConfigTest, ReadsTheContractOfTheDesign) {
  const Result<ClientProxyConfig> config = Load();
  ASSERT_TRUE(config.ok()) << config.status().message();
  ASSERT_EQ(config->listen.size(), 1U);
  EXPECT_TRUE(config->listen[0].IsLoopback());
  EXPECT_EQ(config->listen[0].port, 8118);
  const LoadedIdentities found = config->database->Read();
  ASSERT_EQ(found.identities.size(), 1U);
  EXPECT_EQ(found.identities[0].identity->chain, Pki().client.chain);
  EXPECT_EQ(config->reverse_proxy.ToString(), "rp.example.com:443");
  EXPECT_FALSE(config->via);
  EXPECT_EQ(config->tls.role, Role::kClient);
  EXPECT_EQ(config->tls.reference_identity, "rp.example.com");
  EXPECT_EQ(config->tls.trust_anchors, std::vector<Bytes>{Pki().server_root.certificate()});
  EXPECT_FALSE(config->tls.pinned_spki_sha256);
  EXPECT_TRUE(config->detach.covered);
  EXPECT_FALSE(config->detach.connect);
  ASSERT_EQ(config->mapped_hosts.size(), 1U);
  EXPECT_TRUE(config->mapped_hosts[0].Matches(*Authority::Parse("wiki.corp.example:8443")));
}

TEST_F(ClientProxyConfigTest, OtherAddressesThanLoopbackMustBeCalledUnsafe) {
  for (const char* address :
       {"0.0.0.0:8118", "192.0.2.1:8118", "[::]:8118", "[2001:db8::1]:8118"}) {
    EXPECT_STARTS_WITH(ErrorOf("127.0.0.1:8118", address), ":1:11: ") << address;
  }
  EXPECT_EQ(ErrorOf("127.0.0.1:8118\"]", "0.0.0.0:8118\"]\nunsafe_listen = true"), "");
  EXPECT_EQ(ErrorOf("127.0.0.1:8118", "127.1.2.3:8118"), "");
  EXPECT_EQ(ErrorOf("127.0.0.1:8118", "[::1]:8118"), "");
}

TEST_F(ClientProxyConfigTest, ReadsTheUrlsOfProxies) {
  const std::string url = "https://rp.example.com";
  EXPECT_EQ(Load(url, "https://rp.example.com:8443/")->reverse_proxy.port, 8443);
  EXPECT_EQ(Load(url, "https://[2001:db8::1]")->reverse_proxy.host, "2001:db8::1");
  for (const char* bad : {"rp.example.com", "http://rp.example.com", "https://", "https://a/b",
                          "https://u@a", "https://a?b", "https://a:0", "https://a b"}) {
    EXPECT_STARTS_WITH(ErrorOf(url, bad), ":5:7: ") << bad;
  }
  const std::string via = url + "\"\nvia = \"";
  EXPECT_EQ(Load(url, via + "http://proxy.branch.example:3128")->via->port, 3128);
  EXPECT_EQ(Load(url, via + "http://proxy.branch.example")->via->port, 80);
  EXPECT_STARTS_WITH(ErrorOf(url, via + "https://proxy.branch.example"), ":6:7: ");
}

TEST_F(ClientProxyConfigTest, TrustsByAnchorsOrByFingerprintAndSaysWhich) {
  const std::string anchors = "trust_anchors = \"DIR/rp-ca.pem\"\n";
  std::string hex(64, 'a');
  const Result<ClientProxyConfig> pinned = Load(anchors, "fingerprint = 'sha256:" + hex + "'\n");
  ASSERT_TRUE(pinned.ok()) << pinned.status().message();
  EXPECT_EQ(pinned->tls.pinned_spki_sha256, Bytes(32, 0xaa));
  EXPECT_STARTS_WITH(ErrorOf(anchors, ""), ":4:1: \"reverse_proxy\" needs either");
  EXPECT_STARTS_WITH(ErrorOf(anchors, anchors + "fingerprint = 'sha256:" + hex + "'\n"), ":4:1: ");
  for (const std::string& bad : {hex, "sha256:" + hex.substr(1), "sha256:g" + hex.substr(1)}) {
    EXPECT_STARTS_WITH(ErrorOf(anchors, "fingerprint = '" + bad + "'\n"), ":6:15: ") << bad;
  }
}

TEST_F(ClientProxyConfigTest, SaysWhichFileOfADirectoryItSkips) {
  const Result<ClientProxyConfig> config = Load("file:DIR/alice.pem", "file:DIR");
  ASSERT_TRUE(config.ok()) << config.status().message();
  const LoadedIdentities found = config->database->Read();
  EXPECT_EQ(found.identities.size(), 1U);
  ASSERT_EQ(found.skipped.size(), 1U);
  EXPECT_NE(found.skipped[0].find("cp.toml: holds neither"), std::string::npos);
}

TEST_F(ClientProxyConfigTest, ForDatabasesItStartsAKeeperOfItsOwn) {
  for (const char* uri : {"pkcs11:token=NSS%20Certificate%20DB", "browser:"}) {
    const std::string error = ErrorOf("file:DIR/alice.pem", uri);
    EXPECT_NE(error.find("none is started here"), std::string::npos) << error;
  }
}

TEST_F(ClientProxyConfigTest, AKeeperThatRunsAlreadyReadsNoDatabaseOfThisFile) {
  std::string toml = Toml("file:DIR/alice.pem", "browser:");
  toml.replace(toml.find("[mapping]"), 9, "[keeper]\nsocket = \"/nowhere\"\n[mapping]");
  const auto config = LoadClientProxyConfig(directory_.Write("cp.toml", toml), NoKeeper);
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.status().message().find("cp.toml:10:10: the keeper at a socket reads the"),
            std::string::npos)
      << config.status().message();
}

TEST_F(ClientProxyConfigTest, SourcesThatThereAreNotSayWhatThereIs) {
  const std::string error = ErrorOf("file:DIR/alice.pem", "ldap:alice");
  EXPECT_STARTS_WITH(error, ":3:15: ");
  EXPECT_NE(error.find("identities are at file:, identity:, pkcs11: or browser: URIs"),
            std::string::npos);
}

TEST_F(ClientProxyConfigTest, WhatIsMissingIsAnError) {
  EXPECT_STARTS_WITH(ErrorOf("url = \"https://rp.example.com\"\n", ""),
                     ":4:1: \"reverse_proxy.url\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("hosts = [\"*.corp.example\"]\n", ""),
                     ":9:1: \"mapping.hosts\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("identities = [\"file:DIR/alice.pem\"]\n", ""),
                     ":1:1: \"identities\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("*.corp.example", "corp.*"), ":10:10: ");
  EXPECT_STARTS_WITH(ErrorOf("[mapping]", "[maping]"), ":9:2: unknown key \"maping\"");
}

}  // namespace
}  // namespace detach
