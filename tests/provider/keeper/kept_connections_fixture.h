// A client of a keeper that the test plays: it has the other end of the client's channel, and does
// what a keeper does, and what none should.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_KEPT_CONNECTIONS_FIXTURE_H_
#define DETACH_TESTS_PROVIDER_KEEPER_KEPT_CONNECTIONS_FIXTURE_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <future>
#include <utility>
#include <vector>

#include "provider/keeper/channel.h"
#include "provider/keeper/client.h"
#include "provider/keeper/unix_socket.h"

namespace detach {

inline constexpr int kPatience = 30'000;  // milliseconds, for what is going to happen

inline bool IsReadable(const UniqueFd& socket, int patience = kPatience) {
  pollfd wanted = {.fd = socket.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, patience) == 1;
}

class KeptConnectionsFixture : public ::testing::Test {
 protected:
  KeptConnectionsFixture() : channel_(*NewPacketPair()) {}

  // Asks for a signature on a thread of its own.
  std::future<Status> Asking() {
    return std::async(std::launch::async, [this] { return Ask(client_); });
  }
  static Status Ask(const KeeperClient& client) {
    return client
        .Sign({.type = FrameType::kSignTls12Digest,
               .name = "id",
               .payload = std::vector<std::uint8_t>(32)})
        .status();
  }

  // The next connection that the client makes.
  UniqueFd Accept() {
    EXPECT_TRUE(IsReadable(channel_.theirs));
    Result<UniqueFd> connection = AcceptFrom(channel_.theirs.get());
    EXPECT_TRUE(connection.ok() && connection->valid());
    return *std::move(connection);
  }
  bool MakesAnother() { return IsReadable(channel_.theirs, 0); }

  static bool TakeQuestion(const UniqueFd& connection) {
    FrameBytes question;
    return IsReadable(connection) &&
           ::recv(connection.get(), question.data(), question.size(), 0) == kFrameSize;
  }
  static bool Reply(const UniqueFd& connection, const Frame& frame) {
    const FrameBytes reply = EncodeFrame(frame);
    return ::send(connection.get(), reply.data(), reply.size(), MSG_NOSIGNAL) == kFrameSize;
  }
  static Frame Signature() { return {.type = FrameType::kSignature, .name = "id", .payload = {1}}; }
  static bool Answer(const UniqueFd& connection) {
    return TakeQuestion(connection) && Reply(connection, Signature());
  }

  // Lets the client ask once. Returns the connection, which it keeps.
  UniqueFd KeptByClient() {
    std::future<Status> asking = Asking();
    UniqueFd connection = Accept();
    EXPECT_TRUE(Answer(connection));
    EXPECT_TRUE(asking.get().ok());
    return connection;
  }

  // Whether the next question comes over a new connection, where it is answered.
  bool AsksOverANewConnection() {
    std::future<Status> asking = Asking();
    const UniqueFd connection = Accept();
    return Answer(connection) && asking.get().ok();
  }

  PacketPair channel_;
  KeeperClient client_ = KeeperClient::Through(std::move(channel_.ours));
};

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_KEPT_CONNECTIONS_FIXTURE_H_
