#include "provider/keeper/client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "provider/keeper/channel.h"
#include "provider/keeper/unix_socket.h"
#include "tests/provider/keeper/issuing/certificate_requests.h"
#include "tests/provider/keeper/issuing/issuing_case.h"
#include "tests/provider/keeper/kept_identities.h"
#include "tests/provider/keeper/running_keeper.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

std::vector<KeeperIdentity> TwoIdentities() {
  std::vector<KeeperIdentity> identities;
  identities.push_back(NewIdentity("one", KeyType::kEd25519, Purpose::kTlsServer));
  identities.push_back(NewIdentity("two", KeyType::kEcP256, Purpose::kTlsClient));
  return identities;
}

class KeeperClientTest : public ::testing::Test {
 protected:
  KeeperClientTest() { ::chmod(directory_.path().c_str(), 0700); }

  std::string Path() const { return (directory_.path() / "socket").string(); }

  static Frame SignatureBy(const KeptIdentity& identity) {
    const std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify" +
                                std::string(1, '\0') + std::string(32, 'h');
    return {.type = FrameType::kSignCertificateVerify,
            .argument = 0x0807,
            .name = identity.name,
            .key = identity.key,
            .payload = {content.begin(), content.end()}};
  }

  // Whether the keeper of `client` tells of an identity, and signs with it.
  static bool Serves(const KeeperClient& client) {
    const auto identities = client.Identities("one");
    if (!identities.ok()) return false;
    return client.Sign(SignatureBy(identities->front())).ok();
  }

  TemporaryDirectory directory_{"/tmp"};
};

TEST_F(KeeperClientTest, AsksTheKeeperAtASocket) {
  const RunningKeeper keeper(Path(), TwoIdentities());
  const KeeperClient client = KeeperClient::At(Path());
  EXPECT_EQ(client.name(), Path());
  EXPECT_EQ(client.Identities("")->size(), 2U);
  EXPECT_TRUE(Serves(client));
}

TEST_F(KeeperClientTest, GetsACertificateForATokenAndARequest) {
  const std::string token = "a token of 20 bytes.";
  IssuingCase issuing;
  issuing.Add(token, "DNS:host.example", IssuingCase::Clock::now() + std::chrono::hours(1));
  std::vector<KeeperIdentity> identities = TwoIdentities();
  identities.push_back(issuing.Identity("ca"));
  const RunningKeeper keeper(Path(), std::move(identities));
  const KeeperClient client = KeeperClient::At(Path());
  const PkeyPtr key = NewKey("RSA-4096");
  const std::vector<std::uint8_t> request = NewRequest(key.get(), key.get());
  const auto certificate = client.Issue("ca", token, request);
  ASSERT_TRUE(certificate.ok()) << certificate.status().message();
  EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(ParseCertificate(*certificate).get()), key.get()), 1);
  EXPECT_EQ(client.Issue("ca", token, request).status().fault(), Fault::kIncompatible);
  EXPECT_EQ(client.Issue("one", token, request).status().fault(), Fault::kIncompatible);
  EXPECT_EQ(client.Issue("C A", token, request).status().fault(), Fault::kMisuse);
  EXPECT_EQ(client.Issue("ca", token, std::vector<std::uint8_t>(kMaxPayload)).status().fault(),
            Fault::kMisuse);
}

TEST_F(KeeperClientTest, AsksTheKeeperBehindAChannel) {
  Result<PacketPair> channel = NewPacketPair();
  const KeeperClient client = KeeperClient::Through(std::move(channel->ours));
  EXPECT_EQ(client.name(), "the keeper of this proxy");
  const RunningKeeper keeper(std::move(channel->theirs), TwoIdentities());
  EXPECT_EQ(client.Identities("")->size(), 2U);
  EXPECT_TRUE(Serves(client));
}

TEST_F(KeeperClientTest, WaitsBehindAChannelForTheKeeperThatIsToCome) {
  Result<PacketPair> channel = NewPacketPair();
  const UniqueFd next(::dup(channel->theirs.get()));
  const KeeperClient client = KeeperClient::Through(std::move(channel->ours));
  auto keeper = std::make_optional<RunningKeeper>(std::move(channel->theirs), TwoIdentities());
  EXPECT_TRUE(Serves(client));
  keeper.reset();
  bool served = false;
  std::thread asking([&] { served = Serves(client); });
  keeper.emplace(UniqueFd(::dup(next.get())), TwoIdentities());
  asking.join();
  EXPECT_TRUE(served);
}

// The next connection through `channel`, each of whose questions gets the next of `replies`.
void Reply(const UniqueFd& channel, const std::vector<Frame>& replies) {
  pollfd readable = {.fd = channel.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&readable, 1, -1), 1);
  const Result<UniqueFd> connection = AcceptFrom(channel.get());
  ASSERT_TRUE(connection.ok());
  GiveUpAfterFourSeconds(connection->get());
  for (const Frame& reply : replies) {
    FrameBytes bytes;
    ASSERT_EQ(::recv(connection->get(), bytes.data(), bytes.size(), 0), kFrameSize);
    bytes = EncodeFrame(reply);
    ASSERT_EQ(::send(connection->get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), kFrameSize);
  }
}

TEST_F(KeeperClientTest, DoesWithoutAnIdentityThatGoesWhileItAsks) {
  Result<PacketPair> channel = NewPacketPair();
  const KeeperClient client = KeeperClient::Through(std::move(channel->ours));
  const KeyAndChain content = NewContent(KeyType::kEcP256);
  const auto identity = [](const std::string& name) {
    return Frame{.type = FrameType::kIdentity,
                 .argument = static_cast<std::uint16_t>(Purpose::kTlsClient),
                 .position = 2,
                 .name = name,
                 .payload = {'x'}};
  };
  std::thread keeper([&] {
    Reply(channel->theirs, {identity("gone"),
                            {.type = FrameType::kRefused,
                             .argument = static_cast<std::uint16_t>(Refusal::kUnknownIdentity)},
                            identity("there"),
                            {.type = FrameType::kChain,
                             .position = static_cast<std::uint32_t>(content.chain.size()),
                             .name = "there",
                             .payload = content.chain}});
  });
  const Result<std::vector<KeptIdentity>> identities = client.Identities("");
  keeper.join();
  ASSERT_TRUE(identities.ok()) << identities.status().message();
  ASSERT_EQ(identities->size(), 1U);
  EXPECT_EQ(identities->front().name, "there");
}

TEST_F(KeeperClientTest, SaysWhichKeeperDoesNotAnswer) {
  const Status nowhere = KeeperClient::At("/nowhere/socket").Identities("").status();
  EXPECT_EQ(nowhere.fault(), Fault::kTransport);
  EXPECT_EQ(nowhere.message(), "/nowhere/socket: No such file or directory");
  Result<PacketPair> channel = NewPacketPair();
  channel->theirs.reset();
  const KeeperClient client = KeeperClient::Through(std::move(channel->ours));
  const Status gone = client.Identities("").status();
  EXPECT_EQ(gone.fault(), Fault::kTransport);
  EXPECT_EQ(gone.message(), "the keeper of this proxy: nobody has the other end any more");
}

}  // namespace
}  // namespace detach
