// A listener on 127.0.0.1 is open to every process of the machine, and serves none but this one.
#include "bio/loopback/loopback_connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "bio/socket/tcp.h"

namespace detach {
namespace {

using std::chrono::seconds;

UniqueFd StrangerTo(std::uint16_t port) {
  Result<UniqueFd> fd = ConnectTcp("127.0.0.1", port, Deadline(seconds(10)));
  EXPECT_TRUE(fd.ok()) << fd.status().message();
  return *std::move(fd);
}

// A connection to `port` as a TLS client that sits in this process makes it.
UniqueFd OwnTo(std::uint16_t port) { return StrangerTo(port); }

void ExpectJoined(int one, int other) {
  const std::string text = "ping";
  ASSERT_EQ(send(one, text.data(), text.size(), MSG_NOSIGNAL), 4);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ASSERT_EQ(setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  std::string got(4, '\0');
  ASSERT_EQ(recv(other, got.data(), got.size(), MSG_WAITALL), 4);
  EXPECT_EQ(got, text);
}

// Waits for the end: of a stranger who is sent away it comes without a byte.
void ExpectSentAway(int stranger) {
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ASSERT_EQ(setsockopt(stranger, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  char byte = 0;
  const ssize_t got = recv(stranger, &byte, 1, 0);
  EXPECT_TRUE(got == 0 || (got < 0 && errno == ECONNRESET)) << got;
}

TEST(LoopbackConnectionTest, HasTwoEnds) {
  const Result<LoopbackConnection> made = ConnectLoopback(Deadline(seconds(10)));
  ASSERT_TRUE(made.ok()) << made.status().message();
  ExpectJoined(made->near.get(), made->far.get());
  ExpectJoined(made->far.get(), made->near.get());
  EXPECT_EQ(made->strangers, 0U);
}

TEST(LoopbackConnectionTest, WhoeverConnectsFirstIsNotServed) {
  const Result<LoopbackListener> listener = ListenOnLoopback();
  ASSERT_TRUE(listener.ok());
  const UniqueFd stranger = StrangerTo(listener->port);
  ASSERT_EQ(send(stranger.get(), "me first", 8, MSG_NOSIGNAL), 8);
  const UniqueFd own = OwnTo(listener->port);
  const Result<Accepted> accepted = AcceptOwn(listener->fd.get(), own.get(), Deadline(seconds(10)));
  ASSERT_TRUE(accepted.ok()) << accepted.status().message();
  EXPECT_EQ(accepted->strangers, 1U);
  ExpectSentAway(stranger.get());
  ExpectJoined(own.get(), accepted->fd.get());
}

TEST(LoopbackConnectionTest, ManyWhoConnectFirstAreNotServed) {
  constexpr std::size_t kStrangers = 100;  // fewer than the queue has places
  const Result<LoopbackListener> listener = ListenOnLoopback();
  ASSERT_TRUE(listener.ok());
  std::vector<UniqueFd> strangers;
  while (strangers.size() < kStrangers) strangers.push_back(StrangerTo(listener->port));
  const UniqueFd own = OwnTo(listener->port);
  const Result<Accepted> accepted = AcceptOwn(listener->fd.get(), own.get(), Deadline(seconds(10)));
  ASSERT_TRUE(accepted.ok()) << accepted.status().message();
  EXPECT_EQ(accepted->strangers, kStrangers);
  for (const UniqueFd& stranger : strangers) ExpectSentAway(stranger.get());
  ExpectJoined(own.get(), accepted->fd.get());
}

TEST(LoopbackConnectionTest, NobodyIsServedInARace) {
  for (int round = 0; round < 20; ++round) {
    const Result<LoopbackListener> listener = ListenOnLoopback();
    ASSERT_TRUE(listener.ok());
    std::atomic<bool> over = false;
    std::vector<std::thread> racers;
    std::vector<std::vector<UniqueFd>> made(2);
    for (std::vector<UniqueFd>& connections : made) {
      racers.emplace_back([&] {
        while (!over && connections.size() < 50) {
          Result<UniqueFd> fd = ConnectTcp("127.0.0.1", listener->port, Deadline(seconds(10)));
          if (fd.ok()) connections.push_back(*std::move(fd));
        }
      });
    }
    const UniqueFd own = OwnTo(listener->port);
    const Result<Accepted> accepted =
        AcceptOwn(listener->fd.get(), own.get(), Deadline(seconds(10)));
    over = true;
    for (std::thread& racer : racers) racer.join();
    ASSERT_TRUE(accepted.ok()) << accepted.status().message();
    ExpectJoined(own.get(), accepted->fd.get());
  }
}

TEST(LoopbackConnectionTest, StrangersAloneAreNotServedEither) {
  const Result<LoopbackListener> listener = ListenOnLoopback();
  const Result<LoopbackListener> elsewhere = ListenOnLoopback();
  ASSERT_TRUE(listener.ok() && elsewhere.ok());
  const UniqueFd stranger = StrangerTo(listener->port);
  const UniqueFd own = OwnTo(elsewhere->port);
  const Result<Accepted> accepted =
      AcceptOwn(listener->fd.get(), own.get(), Deadline(std::chrono::milliseconds(50)));
  ASSERT_FALSE(accepted.ok());
  EXPECT_EQ(accepted.status().fault(), Fault::kTransport);
  EXPECT_NE(accepted.status().message().find("1 of others"), std::string::npos)
      << accepted.status().message();
  ExpectSentAway(stranger.get());
}

}  // namespace
}  // namespace detach
