#include "proxies/reverse/config.h"

#include <gtest/gtest.h>

#include "bio/backend/by_name/named_backend.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

Result<UniqueFd> NoKeeper(const std::string&) { return Internal("none is started here"); }

const TestPki& Pki() {
  static const TestPki pki;
  return pki;
}

class ReverseProxyConfigTest : public ::testing::Test {
 protected:
  ReverseProxyConfigTest() {
    Write("rp.pem", Pki().server.ChainPem() + Pki().server.KeyPem());
    Write("clients.pem", CertificatePem(Pki().client_root.certificate()));
    Write("clients.crl", CrlPem(Pki().client_crls[0]) + CrlPem(Pki().client_crls[1]));
  }

  void Write(const std::string& name, const std::string& contents) {
    directory_.Write(name, contents);
  }

  // Toml returns a good file with `from` replaced by `to`. DIR stands for the directory.
  std::string Toml(const std::string& from = "", const std::string& to = "") const {
    std::string toml = R"(listen = ["127.0.0.1:0", "[::1]:8443"]
pid_file = "DIR/rp.pid"
[tls]
identity = "file:DIR/rp.pem"
client_trust_anchors = "DIR/clients.pem"
crl = "DIR/clients.crl"
[detach]
modes = ["covered"]
[[allow]]
client = "URI:spiffe://corp.example/alice"
destinations = ["*.corp.example:443", "10.1.0.0/16:8443"]
networks = ["10.0.0.0/8"]
detach = false
[[allow]]
client = "*"
destinations = ["wiki.corp.example:443"]
)";
    if (!from.empty()) toml.replace(toml.find(from), from.size(), to);
    for (std::size_t at; (at = toml.find("DIR")) != std::string::npos;) {
      toml.replace(at, 3, directory_.path().string());
    }
    return toml;
  }

  Result<ReverseProxyConfig> Load(const std::string& toml) {
    return LoadReverseProxyConfig(directory_.Write("rp.toml", toml), NoKeeper);
  }

  // ErrorOf returns the complaint about a file with `from` replaced by `to`, without its path.
  std::string ErrorOf(const std::string& from, const std::string& to) {
    const Result<ReverseProxyConfig> config = Load(Toml(from, to));
    if (config.ok()) return "";
    const std::string path = (directory_.path() / "rp.toml").string();
    const std::string message = config.status().message();
    EXPECT_TRUE(message.starts_with(path)) << message;
    return message.substr(std::min(path.size(), message.size()));
  }

  TemporaryDirectory directory_;
};

#define EXPECT_STARTS_WITH(text, prefix) \
  EXPECT_EQ(std::string(text).substr(0, std::string(prefix).size()), prefix)

TEST_F(ReverseProxyConfigTest, ReadsTheContractOfTheDesign) {
  const Result<ReverseProxyConfig> config = Load(Toml());
  ASSERT_TRUE(config.ok()) << config.status().message();
  ASSERT_EQ(config->listen.size(), 2U);
  EXPECT_EQ(config->listen[0].address.ToString(), "127.0.0.1");
  EXPECT_EQ(config->listen[0].port, 0);
  EXPECT_EQ(config->listen[1].address.ToString(), "::1");
  EXPECT_EQ(config->listen[1].port, 8443);
  EXPECT_TRUE(config->listen[1].position.ends_with("rp.toml:1:26")) << config->listen[1].position;
  EXPECT_EQ(config->pid_file.text, (directory_.path() / "rp.pid").string());
  EXPECT_EQ(config->tls.role, Role::kServer);
  EXPECT_EQ(config->tls.min_version, TlsVersion::kTls13);
  EXPECT_EQ(config->tls.peer_certificate, PeerCertificate::kRequired);
  EXPECT_EQ(config->tls.identity->chain, Pki().server.chain);
  EXPECT_EQ(config->tls.trust_anchors, std::vector<Bytes>{Pki().client_root.certificate()});
  EXPECT_EQ(config->tls.crls, Pki().client_crls);
  EXPECT_TRUE(config->tls.check_revocation);
  EXPECT_TRUE(config->detach.covered);
  EXPECT_FALSE(config->detach.connect);
  ASSERT_EQ(config->allow.size(), 2U);
  EXPECT_FALSE(config->allow[0].detach);
  EXPECT_TRUE(config->allow[1].detach);
  EXPECT_EQ(config->limits.handshake, std::chrono::seconds(10));
  EXPECT_EQ(config->limits.lifetime, std::chrono::hours(24));
}

TEST_F(ReverseProxyConfigTest, WithoutAllowRowsNothingIsAllowed) {
  std::string toml = Toml();
  toml.resize(toml.find("[[allow]]"));
  const Result<ReverseProxyConfig> config = Load(toml);
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_TRUE(config->allow.empty());
}

TEST_F(ReverseProxyConfigTest, AnUnknownKeyIsAnError) {
  EXPECT_EQ(ErrorOf("pid_file", "pidfile"), ":2:1: unknown key \"pidfile\"; correct or remove it");
  EXPECT_STARTS_WITH(ErrorOf("[detach]\n", "[detach]\npairing = 'loopback'\n"),
                     ":8:1: unknown key \"pairing\"");
  EXPECT_STARTS_WITH(ErrorOf("networks =", "network ="), ":12:1: unknown key \"network\"");
}

TEST_F(ReverseProxyConfigTest, WhatDecidesWhoIsTrustedMustBeSaid) {
  EXPECT_STARTS_WITH(ErrorOf("identity = \"file:DIR/rp.pem\"\n", ""),
                     ":3:1: \"tls.identity\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("client_trust_anchors = \"DIR/clients.pem\"\n", ""),
                     ":3:1: \"tls.client_trust_anchors\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("crl = \"DIR/clients.crl\"\n", ""), ":3:1: \"tls.crl\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("listen = [\"127.0.0.1:0\", \"[::1]:8443\"]\n", ""),
                     ":1:1: \"listen\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("client = \"*\"\n", ""), ":14:1: \"allow.client\" is missing");
  EXPECT_STARTS_WITH(ErrorOf("destinations = [\"wiki.corp.example:443\"]\n", ""),
                     ":14:1: \"allow.destinations\" is missing");
}

TEST_F(ReverseProxyConfigTest, NoRevocationCheckOnlyWhereItIsSaid) {
  const Result<ReverseProxyConfig> config = Load(Toml("DIR/clients.crl", "none"));
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_FALSE(config->tls.check_revocation);
  EXPECT_STARTS_WITH(ErrorOf("DIR/clients.crl", ""), ":6:7: \"tls.crl\" must not be empty");
}

TEST_F(ReverseProxyConfigTest, FilesThatItNamesAreOpenedAndCheckedAtTheirPosition) {
  EXPECT_STARTS_WITH(ErrorOf("rp.pem", "none.pem"), ":4:12: ");
  EXPECT_STARTS_WITH(ErrorOf("file:DIR/rp.pem", "identity:rp"),
                     ":4:12: \"identity:rp\" is in a keeper,");
  EXPECT_STARTS_WITH(ErrorOf("DIR/clients.pem", "DIR/none.pem"), ":5:24: ");
  EXPECT_STARTS_WITH(ErrorOf("DIR/clients.crl", "DIR/none.crl"), ":6:7: ");
  Write("clients.pem", "");
  EXPECT_NE(ErrorOf("", "").find("clients.pem: holds no certificate"), std::string::npos);
}

TEST_F(ReverseProxyConfigTest, ATrustAnchorWithoutCrlIsAnErrorOfTheCrl) {
  Write("clients.pem", CertificatePem(Pki().client_root.certificate()) +
                           CertificatePem(Pki().server_root.certificate()));
  const std::string error = ErrorOf("", "");
  EXPECT_STARTS_WITH(error, ":6:7: ");
  EXPECT_NE(error.find("no CRL of CN=Test server CA"), std::string::npos);
}

TEST_F(ReverseProxyConfigTest, RefusesAddressesThatCanBeReadInTwoWays) {
  for (const char* bad : {"localhost:443", "127.1:443", "127.0.0.1", "127.0.0.1:", "::1:443",
                          "[127.0.0.1]:443", "127.0.0.1:65536", "127.0.0.1:0443", ":443", ""}) {
    EXPECT_STARTS_WITH(ErrorOf("127.0.0.1:0", bad), ":1:11: ") << bad;
  }
}

TEST_F(ReverseProxyConfigTest, RefusesAClientThatIsNoName) {
  for (const char* bad :
       {"", "alice", "URI:", "CN:alice", "DNS:*.corp.example", "SPKI-SHA256:12"}) {
    EXPECT_STARTS_WITH(ErrorOf("URI:spiffe://corp.example/alice", bad), ":10:10: ") << bad;
  }
}

TEST_F(ReverseProxyConfigTest, CoveredAloneNeedsTls13) {
  EXPECT_STARTS_WITH(ErrorOf("[tls]\n", "[tls]\nmin_version = '1.2'\n"),
                     ":8:1: modes = [\"covered\"] needs TLS 1.3");
  EXPECT_EQ(ErrorOf("crl = \"DIR/clients.crl\"\n[detach]\nmodes = [\"covered\"]",
                    "crl = 'none'\nmin_version = '1.2'\n[detach]\nmodes = ['connect']"),
            "");
}

TEST_F(ReverseProxyConfigTest, ALoopbackPairNeedsConnectAloneAndOpenSsl) {
  const std::string pairing = "[tls]\npairing = 'loopback'\n";
  EXPECT_STARTS_WITH(ErrorOf("[tls]\n", pairing),
                     ":4:11: pairing = \"loopback\" leaves TLS in both directions at once; set "
                     "detach.modes = [\"connect\"]");
  for (const char* modes : {"[]", "['covered', 'connect']"}) {
    const std::string detach = std::string("[detach]\nmodes = ") + modes;
    EXPECT_STARTS_WITH(ErrorOf("crl = \"DIR/clients.crl\"\n[detach]\nmodes = [\"covered\"]",
                               "crl = 'none'\npairing = 'loopback'\n" + detach),
                       ":7:11: pairing = \"loopback\" leaves TLS");
  }
  const Result<ReverseProxyConfig> good =
      Load(Toml("crl = \"DIR/clients.crl\"\n[detach]\nmodes = [\"covered\"]",
                "crl = 'none'\npairing = 'loopback'\n[detach]\nmodes = ['connect']"));
  ASSERT_TRUE(good.ok()) << good.status().message();
  EXPECT_EQ(good->pairing, Pairing::kLoopback);
  EXPECT_STARTS_WITH(
      ErrorOf("crl = \"DIR/clients.crl\"\n[detach]\nmodes = [\"covered\"]",
              "crl = 'none'\nmin_version = '1.2'\nbackend = 'botan'\npairing = 'loopback'\n"
              "[detach]\nmodes = ['connect']"),
      ":9:11: pairing = \"loopback\" is for the stock libssl");
  EXPECT_STARTS_WITH(ErrorOf("[tls]\n", "[tls]\npairing = 'socks'\n"), ":4:11: ");
}

TEST_F(ReverseProxyConfigTest, SaysWhichModesAndBackendsThereAre) {
  EXPECT_STARTS_WITH(ErrorOf("\"covered\"", "'coverd'"), ":8:10: \"coverd\" is no mode");
  EXPECT_STARTS_WITH(ErrorOf("[tls]\n", "[tls]\nbackend = 'gnutls'\n"),
                     ":4:11: \"gnutls\" is no TLS backend of this build, which has \"");
  const Result<ReverseProxyConfig> never = Load(Toml("\"covered\"", ""));
  ASSERT_TRUE(never.ok());
  EXPECT_FALSE(never->detach.covered);
}

// What a stack cannot do is refused where it is named, with all that has to be changed.
TEST_F(ReverseProxyConfigTest, DemandsOfABackendWhatItsStackCanDo) {
  for (const NamedBackend& backend : NamedBackends()) {
    const auto error = [&](const std::string& min_version, const std::string& modes) {
      std::string toml = Toml("[tls]\n", "[tls]\nbackend = '" + std::string(backend.name) +
                                             "'\nmin_version = '" + min_version + "'\n");
      constexpr std::string_view kCovered = "[\"covered\"]";
      const Result<ReverseProxyConfig> config =
          Load(toml.replace(toml.find(kCovered), kCovered.size(), modes));
      EXPECT_TRUE(!config.ok() || config->backend == backend.name);
      return config.status().message();
    };
    EXPECT_EQ(error("1.2", "['connect']"), "");
    EXPECT_EQ(error("1.2", "[]"), "");
    const bool tls13 = backend.max_version == TlsVersion::kTls13;
    const std::string refusal =
        (directory_.path() / "rp.toml").string() + ":4:11: " + backend.stack +
        " has no TLS 1.3; with it, set tls.min_version = \"1.2\", and detach.modes = "
        "[\"connect\"], or [] to never detach";
    EXPECT_EQ(error("1.3", "['covered']"), tls13 ? "" : refusal);
    EXPECT_EQ(error("1.3", "['connect']"), tls13 ? "" : refusal);
    EXPECT_EQ(error("1.2", "['covered', 'connect']"), tls13 ? "" : refusal);
  }
}

}  // namespace
}  // namespace detach
