// Who is refused, whose fault it is, and which alert says so to the peer.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "tests/bio/backend/conformance/connection.h"

namespace detach {
namespace {

// RFC 9846 §6.2.
constexpr int kHandshakeFailure = 40;
constexpr int kBadCertificate = 42;
constexpr int kUnsupportedCertificate = 43;
constexpr int kCertificateRevoked = 44;
constexpr int kCertificateExpired = 45;
constexpr int kCertificateUnknown = 46;
constexpr int kUnknownCa = 48;
constexpr int kProtocolVersion = 70;
constexpr int kCertificateRequired = 116;
constexpr int kNoApplicationProtocol = 120;

constexpr std::chrono::hours kHour(1);

// Refusal is one way for a handshake to fail.
struct Refusal {
  std::string name;
  Role refuses;
  std::function<void(TlsConfig& client, TlsConfig& server)> arrange;
  int alert;  // what the other end is told
  int alert_tls12 = alert;
};

void UseClient(TlsConfig& client, TlsConfig& server, const TestCertificate& certificate) {
  AskForClientCertificate(client, server);
  client.identity = certificate.identity();
}

TestCertificate ServerFrom(const TestAuthority& authority) {
  return authority.Issue({"server.example", ExtendedKeyUsage::kServerAuth, {"DNS:server.example"}});
}

// Alice's names, from a CA that may not give them away, directly below the trust anchor.
void UseConstrainedClient(TlsConfig& client, TlsConfig& server, const char* constraints) {
  const TestAuthority authority = SharedPki().client_root.Subordinate(
      {.common_name = "constrained", .name_constraints = constraints});
  UseClient(client, server,
            authority.Issue({"alice",
                             ExtendedKeyUsage::kClientAuth,
                             {"URI:spiffe://corp.example/alice", "email:alice@corp.example",
                              "DNS:alice.corp.example"}}));
  server.check_revocation = false;
}

const std::vector<Refusal>& ClientCertificates() {
  static const std::vector<Refusal> refusals = {
      {"ExpiredClient", Role::kServer,
       [](auto& c, auto& s) { UseClient(c, s, SharedPki().client_expired); }, kCertificateExpired},
      {"NotYetValidClient", Role::kServer,
       [](auto& c, auto& s) { UseClient(c, s, SharedPki().client_not_yet_valid); },
       kBadCertificate},
      {"RevokedClient", Role::kServer,
       [](auto& c, auto& s) { UseClient(c, s, SharedPki().client_revoked); }, kCertificateRevoked},
      {"ClientOfAnUnknownCa", Role::kServer,
       [](auto& c, auto& s) { UseClient(c, s, SharedPki().client_unknown_ca); }, kUnknownCa},
      {"ClientWithAServersUsage", Role::kServer,
       [](auto& c, auto& s) { UseClient(c, s, SharedPki().client_server_only); },
       kUnsupportedCertificate},
      {"ClientOfACertificateThatIsNoCa", Role::kServer,
       [](auto& c, auto& s) {
         const TestAuthority no_ca = SharedPki().client_root.Subordinate({"no CA"}, false);
         UseClient(c, s, no_ca.Issue({"below", ExtendedKeyUsage::kClientAuth}));
         s.check_revocation = false;
       },
       kUnknownCa},
      {"ClientWhoseCaHasNoCrl", Role::kServer,
       [](auto& c, auto& s) {
         UseClient(c, s, SharedPki().client);
         s.crls.clear();
       },
       kUnknownCa},
      {"ClientWhoseCrlHasExpired", Role::kServer,
       [](auto& c, auto& s) {
         UseClient(c, s, SharedPki().client);
         s.crls[1] =
             SharedPki().client_issuer.Crl({.this_update = -2 * kHour, .next_update = -kHour});
       },
       kCertificateExpired},
      {"ClientWhoseUriItsCaMayNotGiveAway", Role::kServer,
       [](auto& c, auto& s) { UseConstrainedClient(c, s, "excluded;URI:corp.example"); },
       kCertificateUnknown},
      {"ClientWhoseUriItsCaMayNotGiveAwayEither", Role::kServer,
       [](auto& c, auto& s) { UseConstrainedClient(c, s, "permitted;URI:other.example"); },
       kCertificateUnknown},
      {"ClientWhoseEmailAddressItsCaMayNotGiveAway", Role::kServer,
       [](auto& c, auto& s) { UseConstrainedClient(c, s, "critical,excluded;email:corp.example"); },
       kCertificateUnknown},
      {"ClientWhoseDnsNameItsCaMayNotGiveAway", Role::kServer,
       [](auto& c, auto& s) { UseConstrainedClient(c, s, "excluded;DNS:corp.example"); },
       kCertificateUnknown},
      {"ClientOfATrustAnchorForServers", Role::kServer,
       [](auto& c, auto& s) {
         const TestAuthority anchor(CertificateSpec{"for servers", ExtendedKeyUsage::kServerAuth});
         UseClient(c, s, anchor.Issue({"alice", ExtendedKeyUsage::kClientAuth}));
         s.trust_anchors = {anchor.certificate()};
         s.check_revocation = false;
       },
       kUnsupportedCertificate},
      {"NoClientCertificate", Role::kServer,
       [](auto& c, auto& s) {
         AskForClientCertificate(c, s);
         c.identity = nullptr;
       },
       kCertificateRequired, kHandshakeFailure},
      {"ABadClientCertificateWhereNoneWouldDo", Role::kServer,
       [](auto& c, auto& s) {
         UseClient(c, s, SharedPki().client_expired);
         s.peer_certificate = PeerCertificate::kOptional;
       },
       kCertificateExpired},
  };
  return refusals;
}

const std::vector<Refusal>& ServerCertificates() {
  static const std::vector<Refusal> refusals = {
      {"ExpiredServer", Role::kClient,
       [](auto&, auto& s) { s.identity = SharedPki().server_expired.identity(); },
       kCertificateExpired},
      {"ServerOfAnUnknownCa", Role::kClient,
       [](auto&, auto& s) { s.identity = ServerFrom(TestAuthority("Unknown CA")).identity(); },
       kUnknownCa},
      {"ServerWithAnotherName", Role::kClient,
       [](auto& c, auto&) { c.reference_identity = "other.example"; }, kBadCertificate},
      {"ServerWithThatNameAsItsCommonNameOnly", Role::kClient,
       [](auto&, auto& s) {
         s.identity = SharedPki()
                          .server_root.Issue({"server.example", ExtendedKeyUsage::kServerAuth})
                          .identity();
       },
       kBadCertificate},
      {"ServerTwoLabelsBelowTheWildcard", Role::kClient,
       [](auto& c, auto&) { c.reference_identity = "a.b.corp.example"; }, kBadCertificate},
      {"ServerWithAnotherAddress", Role::kClient,
       [](auto& c, auto&) { c.reference_identity = "127.0.0.2"; }, kBadCertificate},
      {"ServerWithAClientsUsage", Role::kClient,
       [](auto&, auto& s) {
         s.identity =
             SharedPki()
                 .server_root
                 .Issue({"server.example", ExtendedKeyUsage::kClientAuth, {"DNS:server.example"}})
                 .identity();
       },
       kUnsupportedCertificate},
      {"RevokedServer", Role::kClient,
       [](auto& c, auto& s) {
         TestAuthority authority("CA");
         const TestCertificate certificate = ServerFrom(authority);
         authority.Revoke(certificate.leaf());
         s.identity = certificate.identity();
         c.trust_anchors = {authority.certificate()};
         c.crls = {authority.Crl()};
         c.check_revocation = true;
       },
       kCertificateRevoked},
  };
  return refusals;
}

const std::vector<Refusal>& Negotiations() {
  static const std::vector<Refusal> refusals = {
      {"NoCommonApplicationProtocol", Role::kServer,
       [](auto& c, auto& s) {
         c.alpn = {"h2"};
         s.alpn = {"http/1.1"};
       },
       kNoApplicationProtocol},
  };
  return refusals;
}

std::vector<Refusal> AllRefusals() {
  std::vector<Refusal> all = Negotiations();
  for (const auto* some : {&ClientCertificates(), &ServerCertificates()}) {
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

class Refused : public testing::TestWithParam<std::tuple<BackendPair, Refusal>> {};

TEST_P(Refused, ByAnAlertThatSaysWhyAndIsNobodysViolation) {
  const auto& [pair, refusal] = GetParam();
  TlsConfig client_config = ClientConfig(pair);
  TlsConfig server_config = ServerConfig(pair);
  refusal.arrange(client_config, server_config);
  Connection connection(pair, client_config, server_config);
  const bool by_client = refusal.refuses == Role::kClient;
  TlsSession& refuser = by_client ? connection.client() : connection.server();
  TlsSession& refused = by_client ? connection.server() : connection.client();
  const bool tls12 = pair.version == TlsVersion::kTls12;

  EXPECT_EQ(refuser.status().fault(), Fault::kIncompatible) << refuser.status().message();
  EXPECT_EQ(refuser.peer_alert(), std::nullopt);
  EXPECT_EQ(refused.status().fault(), Fault::kIncompatible) << refused.status().message();
  EXPECT_EQ(refused.peer_alert(), tls12 ? refusal.alert_tls12 : refusal.alert)
      << refuser.status().message();
  EXPECT_TRUE(refuser.Output().empty() && refused.Output().empty());
}

std::string NameOf(const testing::TestParamInfo<std::tuple<BackendPair, Refusal>>& info) {
  return std::get<0>(info.param).name + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Refused,
                         testing::Combine(testing::ValuesIn(BackendPairs()),
                                          testing::ValuesIn(AllRefusals())),
                         NameOf);

// RFC 9525 §6.3: no stack takes what another refuses.
struct NameCase {
  std::string certificate;  // its only subjectAltName
  std::string reference;
};

const std::vector<NameCase>& NamesThatDoNotMatch() {
  static const std::vector<NameCase> cases = {
      {"DNS:*.example", "server.example"},  // a top-level domain's
      {"DNS:*", "server.example"},
      {"DNS:*", "server"},
      {"DNS:*.", "server."},
      {"DNS:*.corp.example", "corp.example"},
      {"DNS:*.corp.example", "a.b.corp.example"},
      {"DNS:*.*.example", "a.corp.example"},
      {"DNS:a.*.example", "a.corp.example"},
      {"DNS:s*.corp.example", "server.corp.example"},
      {"DNS:*r.corp.example", "server.corp.example"},
      {"DNS:**.corp.example", "a.corp.example"},
      {"DNS:.corp.example", "a.corp.example"},
      {"DNS:server.example", "server.example.com"},
      {"DNS:server.example", "xserver.example"},
      {"DNS:127.0.0.1", "127.0.0.1"},
      {"DNS:*.0.0.1", "127.0.0.1"},
      {"IP:127.0.0.1", "127.0.0.2"},
      {"IP:127.0.0.1", "::ffff:127.0.0.1"},
      {"IP:::ffff:127.0.0.1", "127.0.0.1"},
      {"email:server.example", "server.example"},
      {"URI:https://server.example", "server.example"},
  };
  return cases;
}

class Names : public testing::TestWithParam<BackendPair> {};

TEST_P(Names, ThatDoNotMatchAreRefused) {
  for (const NameCase& name : NamesThatDoNotMatch()) {
    TlsConfig client = ClientConfig(GetParam());
    TlsConfig server = ServerConfig(GetParam());
    client.reference_identity = name.reference;
    server.identity =
        SharedPki()
            .server_root.Issue({"leaf", ExtendedKeyUsage::kServerAuth, {name.certificate}})
            .identity();
    Connection connection(GetParam(), client, server);
    EXPECT_EQ(connection.client().status().fault(), Fault::kIncompatible)
        << name.certificate << " for " << name.reference;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Names, testing::ValuesIn(BackendPairs()), PairName);

class Versions : public testing::TestWithParam<BackendPair> {};

TEST_P(Versions, ThatHaveNothingInCommonAreRefused) {
  const bool tls13 = GetParam().version == TlsVersion::kTls13;
  TlsConfig client = ClientConfig(GetParam());
  TlsConfig server = ServerConfig(GetParam());
  server.min_version = server.max_version = tls13 ? TlsVersion::kTls12 : TlsVersion::kTls13;
  // A stack that lacks the other version says so before there is a connection.
  if (const auto context = GetParam().server(server); !context.ok()) {
    EXPECT_EQ(context.status().fault(), Fault::kIncompatible) << context.status().message();
    return;
  }
  Connection connection(GetParam(), client, server);
  EXPECT_EQ(connection.server().status().fault(), Fault::kIncompatible);
  EXPECT_EQ(connection.client().status().fault(), Fault::kIncompatible);
  EXPECT_EQ(connection.client().peer_alert(), kProtocolVersion);
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Versions, testing::ValuesIn(BackendPairs()), PairName);

// A configuration that cannot work is refused before there is a connection.
struct BadConfig {
  std::string name;
  Role role;
  std::function<void(TlsConfig&)> spoil;
  Fault fault;
};

const std::vector<BadConfig>& BadConfigs() {
  static const std::vector<BadConfig> configs = {
      {"ServerWithoutIdentity", Role::kServer, [](auto& c) { c.identity = nullptr; },
       Fault::kMisuse},
      {"ClientWithoutReference", Role::kClient, [](auto& c) { c.reference_identity.clear(); },
       Fault::kMisuse},
      {"ReferenceThatIsNoNameButADomain", Role::kClient,
       [](auto& c) { c.reference_identity = ".example"; }, Fault::kMisuse},
      {"ClientWithoutTrustAnchors", Role::kClient, [](auto& c) { c.trust_anchors.clear(); },
       Fault::kMisuse},
      {"ServerThatVerifiesAgainstNothing", Role::kServer,
       [](auto& c) { c.peer_certificate = PeerCertificate::kRequired; }, Fault::kMisuse},
      {"VersionsUpsideDown", Role::kClient,
       [](auto& c) {
         c.min_version = TlsVersion::kTls13;
         c.max_version = TlsVersion::kTls12;
       },
       Fault::kMisuse},
      {"EmptyProtocolName", Role::kClient, [](auto& c) { c.alpn = {""}; }, Fault::kMisuse},
      {"LongProtocolName", Role::kClient, [](auto& c) { c.alpn = {std::string(256, 'a')}; },
       Fault::kMisuse},
      {"PinOfAnotherSize", Role::kClient, [](auto& c) { c.pinned_spki_sha256 = Bytes(20); },
       Fault::kMisuse},
      {"TrustAnchorThatIsNone", Role::kClient, [](auto& c) { c.trust_anchors = {Bytes(10)}; },
       Fault::kIncompatible},
      {"CrlThatIsNone", Role::kClient, [](auto& c) { c.crls = {Bytes(10)}; }, Fault::kIncompatible},
      {"IdentityWithoutCertificate", Role::kServer,
       [](auto& c) { c.identity = std::make_shared<Identity>(); }, Fault::kMisuse},
      {"KeyThatIsNone", Role::kServer,
       [](auto& c) {
         c.identity =
             std::make_shared<Identity>(Identity{SharedPki().server.chain, Pkcs8Key{Bytes(10)}});
       },
       Fault::kIncompatible},
      {"KeyOfAnotherCertificate", Role::kServer,
       [](auto& c) {
         c.identity = std::make_shared<Identity>(
             Identity{SharedPki().server.chain, Pkcs8Key{SharedPki().client.key}});
       },
       Fault::kIncompatible},
  };
  return configs;
}

class Configuration : public testing::TestWithParam<std::tuple<BackendPair, BadConfig>> {};

TEST_P(Configuration, ThatCannotWorkIsRefusedAtOnce) {
  const auto& [pair, bad] = GetParam();
  const bool client = bad.role == Role::kClient;
  TlsConfig config = client ? ClientConfig(pair) : ServerConfig(pair);
  bad.spoil(config);
  const auto context = client ? pair.client(config) : pair.server(config);
  ASSERT_FALSE(context.ok());
  EXPECT_EQ(context.status().fault(), bad.fault) << context.status().message();
  EXPECT_FALSE(context.status().message().empty());
}

std::string ConfigurationName(
    const testing::TestParamInfo<std::tuple<BackendPair, BadConfig>>& info) {
  return std::get<0>(info.param).name + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Configuration,
                         testing::Combine(testing::ValuesIn(BackendPairs()),
                                          testing::ValuesIn(BadConfigs())),
                         ConfigurationName);

}  // namespace
}  // namespace detach
