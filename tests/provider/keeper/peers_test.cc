#include "provider/keeper/peers.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace detach {
namespace {

class KeeperPeersTest : public ::testing::Test {
 protected:
  // Connects the next peer, whose process has the number of how many there were before. Returns the
  // process of the one that had to go; -1: nobody.
  pid_t Add(uid_t uid = 0) {
    Result<PacketPair> pair = NewPacketPair();
    const SocketPeer who = {.pid = static_cast<pid_t>(ours_.size()), .uid = uid};
    ours_.push_back(std::move(pair->ours));
    const auto gone = peers_.Add(std::move(pair->theirs), who);
    return gone ? gone->pid : -1;
  }
  void AddAsManyAsThereCanBe() {
    while (ours_.size() < KeeperPeers::kMax) ASSERT_EQ(Add(), -1);
  }

  static std::uint64_t Number(std::uint64_t peer) { return KeeperPeers::kFirst + peer; }
  bool IsThere(std::uint64_t peer) {
    if (peers_.Take(Number(peer)) == nullptr) return false;
    peers_.Release(Number(peer), true);
    return true;
  }
  bool HasEvent() {
    epoll_event event = {};
    return ::epoll_wait(epoll_.get(), &event, 1, 0) == 1;
  }

  UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  KeeperPeers peers_{epoll_.get()};
  std::vector<UniqueFd> ours_;
};

TEST_F(KeeperPeersTest, TheOneThatHasBeenSilentForTheLongestMakesPlace) {
  AddAsManyAsThereCanBe();
  EXPECT_TRUE(IsThere(0));
  EXPECT_TRUE(IsThere(2));
  EXPECT_EQ(Add(), 1);
  EXPECT_EQ(Add(), 3);
  EXPECT_FALSE(IsThere(1));
  EXPECT_TRUE(IsThere(0) && IsThere(2));
}

TEST_F(KeeperPeersTest, AUserWhoHasMostMakesPlaceNotTheOthers) {
  EXPECT_EQ(Add(1), -1);
  EXPECT_EQ(Add(2), -1);
  AddAsManyAsThereCanBe();
  EXPECT_EQ(Add(1), 2);
  EXPECT_EQ(Add(), 3);
  EXPECT_TRUE(IsThere(0) && IsThere(1));
}

TEST_F(KeeperPeersTest, WhoIsBeingServedKeepsItsPlace) {
  AddAsManyAsThereCanBe();
  const KeeperPeers::Peer* first = peers_.Take(Number(0));
  for (std::uint64_t peer = 1; peer < KeeperPeers::kMax; ++peer) EXPECT_TRUE(IsThere(peer));
  EXPECT_EQ(Add(), 1);
  EXPECT_EQ(first->who.pid, 0);
  peers_.Release(Number(0), true);
  EXPECT_TRUE(IsThere(0));
}

TEST_F(KeeperPeersTest, ARequestIsOneThreadsUntilItIsAnswered) {
  Add();
  ASSERT_EQ(::send(ours_[0].get(), "x", 1, 0), 1);
  EXPECT_TRUE(HasEvent());
  EXPECT_FALSE(HasEvent());  // though nobody has read it
  ASSERT_NE(peers_.Take(Number(0)), nullptr);
  EXPECT_FALSE(HasEvent());
  peers_.Release(Number(0), true);
  EXPECT_TRUE(HasEvent());
}

TEST_F(KeeperPeersTest, WhoGoesIsNotWaitedForAnyMore) {
  Result<PacketPair> pair = NewPacketPair();
  const UniqueFd kept(::dup(pair->theirs.get()));  // as whoever sent it may have it
  peers_.Add(std::move(pair->theirs), {});
  EXPECT_FALSE(peers_.empty());
  ASSERT_NE(peers_.Take(Number(0)), nullptr);
  peers_.Release(Number(0), false);
  EXPECT_TRUE(peers_.empty());
  EXPECT_EQ(peers_.Take(Number(0)), nullptr);
  ASSERT_EQ(::send(pair->ours.get(), "x", 1, 0), 1);
  EXPECT_FALSE(HasEvent());
}

}  // namespace
}  // namespace detach
