// What a handshake settles, and what both ends know of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/bio/backend/conformance/connection.h"

namespace detach {
namespace {

class Handshake : public testing::TestWithParam<BackendPair> {
 protected:
  TlsConfig client_ = ClientConfig(GetParam());
  TlsConfig server_ = ServerConfig(GetParam());

  bool IsTls13() const { return GetParam().version == TlsVersion::kTls13; }
};

HandshakeSummary SummaryOf(const TlsSession& session) {
  const Result<HandshakeSummary> summary = session.Summary();
  EXPECT_TRUE(summary.ok()) << summary.status().message();
  return summary.ok() ? *summary : HandshakeSummary{};
}

Bytes ExportOf(const TlsSession& session, std::string_view label, const Bytes& context) {
  const Result<Bytes> exported = session.Export(label, context, 16);
  EXPECT_TRUE(exported.ok()) << exported.status().message();
  return exported.ok() ? *exported : Bytes{};
}

TEST_P(Handshake, SettlesVersionAndSuiteAlikeAtBothEnds) {
  Connection connection(GetParam(), client_, server_);
  const HandshakeSummary client = SummaryOf(connection.client());
  const HandshakeSummary server = SummaryOf(connection.server());
  EXPECT_EQ(client.version, GetParam().version);
  EXPECT_EQ(server.version, GetParam().version);
  EXPECT_EQ(client.cipher_suite, server.cipher_suite);
  EXPECT_NE(client.cipher_suite, 0);
  EXPECT_FALSE(client.resumed || server.resumed);
  EXPECT_EQ(connection.client().state().sending, Sending::kTls);
}

TEST_P(Handshake, TakesTheHighestVersionThatBothHave) {
  client_.min_version = server_.min_version = TlsVersion::kTls12;
  client_.max_version = TlsVersion::kTls13;
  Connection connection(GetParam(), client_, server_);
  EXPECT_EQ(SummaryOf(connection.client()).version, GetParam().version);
}

TEST_P(Handshake, TellsThePeersChainAsItWasSent) {
  AskForClientCertificate(client_, server_);
  Connection connection(GetParam(), client_, server_);
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(SummaryOf(connection.client()).peer_chain, SharedPki().server.chain);
  EXPECT_EQ(SummaryOf(connection.server()).peer_chain, SharedPki().client.chain);
}

TEST_P(Handshake, TellsThatThePeerSentNoCertificate) {
  Connection connection(GetParam(), client_, server_);
  EXPECT_TRUE(SummaryOf(connection.server()).peer_chain.empty());
}

TEST_P(Handshake, WorksWithEveryTypeOfKey) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048, KeyType::kEd25519}) {
    if (type == KeyType::kEd25519 && !GetParam().ed25519) continue;
    const auto leaf = [type](ExtendedKeyUsage usage, const TestAuthority& authority) {
      return authority
          .Issue({.common_name = "leaf",
                  .usage = usage,
                  .alt_names = {"DNS:server.example"},
                  .key = type})
          .identity();
    };
    AskForClientCertificate(client_, server_);
    server_.identity = leaf(ExtendedKeyUsage::kServerAuth, SharedPki().server_root);
    client_.identity = leaf(ExtendedKeyUsage::kClientAuth, SharedPki().client_issuer);
    Connection connection(GetParam(), client_, server_);
    EXPECT_TRUE(connection.ok()) << connection.server().status().message() << "; "
                                 << connection.client().status().message();
  }
}

TEST_P(Handshake, ExportsTheSameAtBothEndsAndElsewhereNothingLikeIt) {
  Connection connection(GetParam(), client_, server_);
  const Bytes exported = ExportOf(connection.client(), "EXPERIMENTAL-a", {1});
  EXPECT_EQ(exported.size(), 16u);
  EXPECT_EQ(ExportOf(connection.server(), "EXPERIMENTAL-a", {1}), exported);
  EXPECT_NE(ExportOf(connection.client(), "EXPERIMENTAL-a", {2}), exported);
  EXPECT_NE(ExportOf(connection.client(), "EXPERIMENTAL-b", {1}), exported);
  Connection other(GetParam(), client_, server_);
  EXPECT_NE(ExportOf(other.client(), "EXPERIMENTAL-a", {1}), exported);
}

TEST_P(Handshake, ExportsBehindItsOwnCloseNotify) {
  Connection connection(GetParam(), client_, server_);
  const Bytes exported = ExportOf(connection.client(), "EXPERIMENTAL-a", {1});
  ASSERT_TRUE(connection.client().Detach().ok());
  EXPECT_EQ(ExportOf(connection.client(), "EXPERIMENTAL-a", {1}), exported);
}

TEST_P(Handshake, AgreesOnTheServersFirstProtocol) {
  client_.alpn = {"b", "http/1.1"};
  server_.alpn = {"http/1.1", "b"};
  Connection connection(GetParam(), client_, server_);
  EXPECT_EQ(SummaryOf(connection.client()).alpn, "http/1.1");
  EXPECT_EQ(SummaryOf(connection.server()).alpn, "http/1.1");
}

TEST_P(Handshake, NeedsNoProtocolWhereOneEndNamesNone) {
  server_.alpn = {"http/1.1"};
  Connection connection(GetParam(), client_, server_);
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(SummaryOf(connection.client()).alpn, "");
}

TEST_P(Handshake, AsksTheChooserWithTheServersAuthorities) {
  std::vector<CertificateRequest> requests;
  AskForClientCertificate(client_, server_);
  client_.identity = nullptr;
  client_.choose_identity = [&requests](const CertificateRequest& request) {
    requests.push_back(request);
    return SharedPki().other_client.identity();
  };
  Connection connection(GetParam(), client_, server_);
  ASSERT_TRUE(connection.ok()) << connection.server().status().message();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].authorities,
            std::vector<Bytes>{SubjectName(SharedPki().client_root.certificate())});
  EXPECT_FALSE(requests[0].signature_schemes.empty());
  EXPECT_EQ(requests[0].version, SummaryOf(connection.client()).version);
  EXPECT_EQ(SummaryOf(connection.server()).peer_chain, SharedPki().other_client.chain);
}

TEST_P(Handshake, TheChooserWinsOverTheIdentity) {
  AskForClientCertificate(client_, server_);
  client_.choose_identity = [](const CertificateRequest&) {
    return SharedPki().other_client.identity();
  };
  Connection connection(GetParam(), client_, server_);
  EXPECT_EQ(SummaryOf(connection.server()).peer_chain, SharedPki().other_client.chain);
}

TEST_P(Handshake, AChooserThatHasNoneSendsNone) {
  AskForClientCertificate(client_, server_);
  server_.peer_certificate = PeerCertificate::kOptional;
  client_.choose_identity = [](const CertificateRequest&) { return nullptr; };
  Connection connection(GetParam(), client_, server_);
  ASSERT_TRUE(connection.ok()) << connection.server().status().message();
  EXPECT_TRUE(SummaryOf(connection.server()).peer_chain.empty());
}

TEST_P(Handshake, TakesTheNamesAndAddressesThatTheCertificateIsFor) {
  for (const char* name :
       {"server.example", "SERVER.example", "a.corp.example", "127.0.0.1", "::1"}) {
    client_.reference_identity = name;
    EXPECT_TRUE(Connection(GetParam(), client_, server_).ok()) << name;
  }
}

TEST_P(Handshake, APinnedKeyReplacesPathAndName) {
  client_.trust_anchors.clear();
  client_.reference_identity.clear();
  client_.pinned_spki_sha256 = SpkiSha256(SharedPki().server.leaf());
  EXPECT_TRUE(Connection(GetParam(), client_, server_).ok());
  client_.pinned_spki_sha256 = SpkiSha256(SharedPki().client.leaf());
  EXPECT_FALSE(Connection(GetParam(), client_, server_).ok());
}

TEST_P(Handshake, DangerouslyAcceptsAnyPeerWhereTold) {
  client_.trust_anchors.clear();
  client_.reference_identity = "other.example";
  client_.dangerous_accept_any_peer = true;
  EXPECT_TRUE(Connection(GetParam(), client_, server_).ok());
}

TEST_P(Handshake, HalfDetachIsForTls13) {
  Connection connection(GetParam(), client_, server_);
  ASSERT_TRUE(connection.client().Detach().ok());
  EXPECT_EQ(connection.client().state().sending, IsTls13() ? Sending::kRaw : Sending::kClosing);
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Handshake, testing::ValuesIn(BackendPairs()), PairName);

}  // namespace
}  // namespace detach
