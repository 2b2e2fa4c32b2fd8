// Sessions that are resumed: after a detach, never after an error (hazard 7 of a TLS stack that
// marks a session bad when its connection is freed without close_notify).
#include <gtest/gtest.h>

#include <string>

#include "tests/bio/backend/conformance/connection.h"

namespace detach {
namespace {

const Bytes kContext = {1};

class Resumption : public testing::TestWithParam<BackendPair> {
 protected:
  void SetUp() override {
    client_.resumption = server_.resumption = true;
    AskForClientCertificate(client_, server_);
  }

  static bool Resumed(Connection& connection) {
    const Result<HandshakeSummary> client = connection.client().Summary();
    const Result<HandshakeSummary> server = connection.server().Summary();
    EXPECT_TRUE(client.ok()) << connection.client().status().message();
    EXPECT_TRUE(server.ok()) << connection.server().status().message();
    if (!client.ok() || !server.ok()) return false;
    EXPECT_EQ(client->resumed, server->resumed);
    return client->resumed;
  }

  TlsConfig client_ = ClientConfig(GetParam());
  TlsConfig server_ = ServerConfig(GetParam());
};

// Rule 6: "its session stays resumable".
TEST_P(Resumption, WorksAfterADetachAgainAndAgain) {
  Contexts contexts(GetParam(), client_, server_);
  for (int i = 0; i < 5; ++i) {
    Connection connection(contexts);
    EXPECT_EQ(Resumed(connection), i > 0) << "connection " << i;
    connection.Detach();
    EXPECT_FALSE(connection.client().has_tls());
  }
}

TEST_P(Resumption, StillKnowsThePeersChain) {
  Contexts contexts(GetParam(), client_, server_);
  Connection(contexts).Detach();
  Connection second(contexts);
  ASSERT_TRUE(Resumed(second));
  EXPECT_EQ(second.client().Summary()->peer_chain, SharedPki().server.chain);
  EXPECT_EQ(second.server().Summary()->peer_chain, SharedPki().client.chain);
}

TEST_P(Resumption, ExportsSomethingElse) {
  Contexts contexts(GetParam(), client_, server_);
  Connection first(contexts);
  const Result<Bytes> exported = first.client().Export("EXPERIMENTAL-a", kContext, 16);
  ASSERT_TRUE(exported.ok());
  first.Detach();
  Connection second(contexts);
  ASSERT_TRUE(Resumed(second));
  const Result<Bytes> other = second.client().Export("EXPERIMENTAL-a", kContext, 16);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(*other, *exported);
}

TEST_P(Resumption, DoesNotHappenAfterARecordThatWasForged) {
  Contexts contexts(GetParam(), client_, server_);
  {
    Connection connection(contexts);
    const std::string forged = {23, 3, 3, 0, 20};
    EXPECT_EQ(Feed(connection.client(), forged + std::string(20, 'x')).fault(), Fault::kViolation);
  }
  Connection second(contexts);
  EXPECT_FALSE(Resumed(second));
}

TEST_P(Resumption, DoesNotHappenAfterATruncation) {
  Contexts contexts(GetParam(), client_, server_);
  {
    Connection connection(contexts);
    EXPECT_EQ(connection.client().ReceivedEnd().fault(), Fault::kTruncated);
    EXPECT_EQ(connection.server().ReceivedEnd().fault(), Fault::kTruncated);
  }
  Connection second(contexts);
  EXPECT_FALSE(Resumed(second));
}

TEST_P(Resumption, DoesNotHappenWhereItIsOff) {
  server_.resumption = false;
  Contexts contexts(GetParam(), client_, server_);
  Connection(contexts).Detach();
  Connection second(contexts);
  EXPECT_FALSE(Resumed(second));
}

// A session that one policy made must not open another's door.
TEST_P(Resumption, DoesNotCrossFromOneContextToAnother) {
  Contexts contexts(GetParam(), client_, server_);
  Contexts others(GetParam(), client_, server_);
  Connection(contexts).Detach();
  others.client.swap(contexts.client);
  Connection second(others);
  EXPECT_FALSE(Resumed(second));
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Resumption, testing::ValuesIn(BackendPairs()), PairName);

}  // namespace
}  // namespace detach
