// How the relay ends tunnels by itself, what it leaves behind, and which lane a tunnel is in.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxies/tunnel/relay.h"
#include "tests/proxies/tunnel/relay_fixture.h"

namespace detach {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMiB = 1024 * 1024;

// OpenDescriptors returns the numbers of the descriptors that this process has open.
std::vector<int> OpenDescriptors() {
  std::vector<int> open;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  while (const dirent* entry = ::readdir(directory.get())) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != ::dirfd(directory.get())) open.push_back(fd);
  }
  return open;
}

class RelayLimitsTest : public RelayTest {
 protected:
  // StartWithClock starts a relay whose time stands still but for Advance.
  void StartWithClock() {
    Start({.clock = [this] { return RelayClock::time_point(milliseconds(now_)); }});
  }

  // Advance moves the time and returns when the interactive lane has done all that is due by then.
  // A turn looks at its timers last, so that two turns must have begun after the time moved.
  void Advance(milliseconds by) {
    now_ += by.count();
    for (int turn = 0; turn < 2; ++turn) {
      Ends ends;
      const Peers peers = Open(kTurnId, [&](RawTunnel& raw) { raw.on_end = ends.Collector(); });
      relay_->EndIf([](std::uint64_t id) { return id == kTurnId; });
      (void)ends.Next();
    }
  }

  static constexpr std::uint64_t kTurnId = 0;
  std::atomic<std::int64_t> now_ = 1'000'000'123;  // milliseconds
};

TEST_F(RelayLimitsTest, EndsATunnelThatWasIdleForItsLimit) {
  StartWithClock();
  Peers peers = Open(1, [](RawTunnel& raw) { raw.idle_limit = seconds(3600); });
  Advance(seconds(3599));
  ASSERT_EQ(1u, relay_->size());
  Advance(seconds(2));
  const TunnelEnd end = ends_.Next();
  EXPECT_EQ(TunnelEnding::kIdle, end.how);
  EXPECT_EQ(seconds(3601), end.duration);
  EXPECT_TRUE(peers.a.SeesReset());
  EXPECT_TRUE(peers.b.SeesReset());
}

TEST_F(RelayLimitsTest, AByteInEitherDirectionMakesATunnelBusyAgain) {
  StartWithClock();
  Peers peers = Open(1, [](RawTunnel& raw) { raw.idle_limit = seconds(10); });
  for (int round = 0; round < 3; ++round) {
    Advance(seconds(9));
    peers.a.Send("x");
    ASSERT_EQ("x", peers.b.Receive(1));
    Advance(seconds(9));
    peers.b.Send("y");
    ASSERT_EQ("y", peers.a.Receive(1));
  }
  ASSERT_EQ(1u, relay_->size());
  Advance(seconds(11));
  EXPECT_EQ(TunnelEnding::kIdle, ends_.Next().how);
}

TEST_F(RelayLimitsTest, EndsABusyTunnelAtItsLifetime) {
  StartWithClock();
  Peers peers = Open(1, [](RawTunnel& raw) {
    raw.idle_limit = seconds(10);
    raw.lifetime_limit = seconds(20);
  });
  for (int second = 0; second < 19; ++second) {
    Advance(seconds(1));
    peers.a.Send("x");
    ASSERT_EQ("x", peers.b.Receive(1));
  }
  ASSERT_EQ(1u, relay_->size());
  Advance(seconds(2));
  EXPECT_EQ(TunnelEnding::kLifetime, ends_.Next().how);
}

// ASan sees what is left behind.
TEST_F(RelayLimitsTest, ATunnelThatClosedLeavesNoTimerBehind) {
  StartWithClock();
  Peers peers = Open(1, [](RawTunnel& raw) { raw.idle_limit = seconds(10); });
  peers.a.Fin();
  peers.b.Fin();
  EXPECT_EQ(TunnelEnding::kClosed, ends_.Next().how);
  Advance(seconds(20));
  EXPECT_EQ(0u, relay_->size());
}

TEST_F(RelayLimitsTest, ATunnelWithoutLimitsStays) {
  StartWithClock();
  Peers peers = Open();
  Advance(std::chrono::hours(24 * 365));
  peers.a.Send("x");
  EXPECT_EQ("x", peers.b.Receive(1));
}

TEST_F(RelayLimitsTest, WakesUpByItselfWhenALimitIsReached) {
  Start();
  Peers peers = Open(1, [](RawTunnel& raw) { raw.idle_limit = seconds(1); });
  EXPECT_EQ(TunnelEnding::kIdle, ends_.Next().how);
}

TEST_F(RelayLimitsTest, EndIfEndsTheTunnelsThatItIsMeantForAndNoOther) {
  Start();
  Peers kept = Open(1);
  Peers killed = Open(2);
  Peers also_killed = Open(3);
  relay_->EndIf([](std::uint64_t id) { return id >= 2; });
  EXPECT_TRUE(killed.a.SeesReset());
  EXPECT_TRUE(killed.b.SeesReset());
  EXPECT_TRUE(also_killed.b.SeesReset());
  EXPECT_EQ(TunnelEnding::kAborted, ends_.Next().how);
  EXPECT_EQ(TunnelEnding::kAborted, ends_.Next().how);
  kept.a.Send("still here");
  EXPECT_EQ("still here", kept.b.Receive(10));
  EXPECT_EQ(1u, relay_->size());
}

TEST_F(RelayLimitsTest, ShutdownAbortsWhatIsLeftAndReportsIt) {
  Start();
  Peers first = Open(1);
  Peers second = Open(2);
  relay_->Shutdown();
  EXPECT_EQ(0u, relay_->size());
  EXPECT_EQ(TunnelEnding::kAborted, ends_.Next().how);
  EXPECT_EQ(TunnelEnding::kAborted, ends_.Next().how);
  EXPECT_TRUE(first.a.SeesReset());
  EXPECT_TRUE(second.b.SeesReset());
}

TEST_F(RelayLimitsTest, ATunnelThatComesAfterShutdownIsAborted) {
  Start();
  relay_->Shutdown();
  Peers peers = Open();
  EXPECT_EQ(TunnelEnding::kAborted, ends_.Next().how);
  EXPECT_TRUE(peers.a.SeesReset());
  EXPECT_EQ(0u, relay_->size());
}

TEST_F(RelayLimitsTest, AThousandTunnelsLeaveNoDescriptorBehind) {
  Start();
  const std::size_t before = OpenDescriptors().size();
  std::vector<Peers> tunnels;
  for (std::uint64_t id = 0; id < 1000; ++id) tunnels.push_back(Open(id));
  for (Peers& peers : tunnels) peers.a.Send("hello");
  for (Peers& peers : tunnels) ASSERT_EQ("hello", peers.b.Receive(5));
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    if (i % 2 == 0) {
      tunnels[i].a.Fin();
      tunnels[i].b.Fin();
    } else {
      tunnels[i].b.Reset();
    }
  }
  for (std::size_t i = 0; i < tunnels.size(); ++i) (void)ends_.Next();
  tunnels.clear();
  EXPECT_EQ(0u, relay_->size());
  EXPECT_EQ(before, OpenDescriptors().size());
}

// Fill sends until nothing more fits between `peer` and a receiver that does not read.
std::uint64_t Fill(const Peer& peer) {
  std::uint64_t accepted = 0;
  pollfd writable{.fd = peer.fd(), .events = POLLOUT};
  while (::poll(&writable, 1, 100) == 1) {
    const std::vector<std::uint8_t> block = Pattern(1, accepted, 100'000);
    const ssize_t sent = ::send(peer.fd(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) accepted += static_cast<std::uint64_t>(sent);
  }
  return accepted;
}

TEST_F(RelayLimitsTest, APipeIsHeldOnlyWhileBytesAreInIt) {
  Start();
  constexpr int kBuffer = 16 * 1024;
  Peers first = Open(1, {}, kBuffer);
  const std::uint64_t accepted = Fill(first.a);
  const std::size_t with_pipe = OpenDescriptors().size();
  first.a.Fin();
  EXPECT_EQ(accepted, first.b.ReceivePattern(1, 10'000));
  Peers second = Open(2, {}, kBuffer);  // six descriptors more, two of them in the relay
  (void)Fill(second.a);
  EXPECT_EQ(with_pipe + 4, OpenDescriptors().size());
}

TEST_F(RelayLimitsTest, EveryDescriptorIsCloseOnExec) {
  const std::vector<int> inherited = OpenDescriptors();
  Start();
  Peers peers = Open(1, {}, 16 * 1024);
  (void)Fill(peers.a);
  for (const int fd : OpenDescriptors()) {
    if (std::find(inherited.begin(), inherited.end(), fd) != inherited.end()) continue;
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC) << "descriptor " << fd;
  }
}

// DescriptorsExhausted lowers the limit so that no descriptor can be opened while it lives.
class DescriptorsExhausted {
 public:
  DescriptorsExhausted() {
    EXPECT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before_));
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    EXPECT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
  }
  ~DescriptorsExhausted() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

TEST_F(RelayLimitsTest, CarriesBulkWhenTheProcessIsOutOfDescriptors) {
  Start();
  Peers peers = Open();
  // UBSan needs descriptors to look at a thread that starts.
  std::latch started(1);
  std::latch go(1);
  std::thread sender([&] {
    started.count_down();
    go.wait();
    peers.a.SendPatternAndFin(1, 8 * kMiB);
  });
  started.wait();
  {
    const DescriptorsExhausted exhausted;
    go.count_down();
    EXPECT_EQ(8 * kMiB, peers.b.ReceivePattern(1, 100'000));
  }
  sender.join();
  peers.b.Fin();
  EXPECT_EQ(0u, ends_.Next().a_to_b.spliced);
}

class RelayLaneTest : public RelayLimitsTest {
 protected:
  // LaneOf ends the tunnel, whose end is the next, and returns the thread of its lane.
  std::thread::id LaneOf(Peers& peers) {
    peers.a.Reset();
    return ends_.NextThread();
  }

  // Transfer moves `size` bytes through the tunnel, all at the same time.
  static void Transfer(Peers& peers, std::size_t size) {
    std::thread sender([&] { peers.a.Send(std::string(size, 'x')); });
    EXPECT_EQ(size, peers.b.Receive(size).size());
    sender.join();
  }

  // MakeBulk gives the tunnel two windows' worth of a high rate.
  void MakeBulk(Peers& peers) {
    Transfer(peers, 4 * kMiB);
    now_ += 50;
    Transfer(peers, 4 * kMiB);
  }
};

TEST_F(RelayLaneTest, ATunnelMovesToTheBulkLaneByItsRate) {
  StartWithClock();
  Peers interactive = Open(1);
  Peers bulk = Open(2);
  MakeBulk(bulk);
  Transfer(interactive, 100);
  const std::thread::id interactive_lane = LaneOf(interactive);
  EXPECT_NE(interactive_lane, LaneOf(bulk));
}

TEST_F(RelayLaneTest, ATunnelComesBackFromTheBulkLaneWhenItsRateFalls) {
  StartWithClock();
  Peers interactive = Open(1);
  Peers bulk = Open(2);
  MakeBulk(bulk);
  for (int round = 0; round < 2; ++round) {  // the first may belong to the last turn before it
    now_ += 10'000;
    Transfer(bulk, 100);
  }
  const std::thread::id interactive_lane = LaneOf(interactive);
  EXPECT_EQ(interactive_lane, LaneOf(bulk));
}

TEST_F(RelayLaneTest, ABlockedTunnelMovesWithTheBytesInItsPipe) {
  StartWithClock();
  Peers peers = Open(1, {}, 16 * 1024);
  now_ += 1;
  const std::uint64_t blocked = Fill(peers.a);
  constexpr std::uint64_t kRounds = 20;
  std::thread sender([&] {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      now_ += 50;
      peers.a.Send(Pattern(1, blocked + round * kMiB, kMiB));
    }
    peers.a.Fin();
  });
  EXPECT_EQ(blocked + kRounds * kMiB, peers.b.ReceivePattern(1, 10'000));
  sender.join();
}

TEST_F(RelayLaneTest, EndIfReachesTunnelsInBothLanesAndOnTheirWay) {
  Start();
  constexpr std::uint64_t kTunnels = 8;
  std::vector<Peers> tunnels;
  for (std::uint64_t id = 0; id < kTunnels; ++id) tunnels.push_back(Open(id));
  std::vector<std::thread> senders;
  for (Peers& peers : tunnels) {
    senders.emplace_back([&] {
      const std::string block(100'000, 'x');
      while (::send(peers.a.fd(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
      }
    });
    senders.emplace_back([&] {
      std::string block(100'000, ' ');
      while (::recv(peers.b.fd(), block.data(), block.size(), 0) > 0) {
      }
    });
  }
  for (std::uint64_t id = 0; id < kTunnels; ++id) {
    relay_->EndIf([id](std::uint64_t other) { return other == id; });
    EXPECT_EQ(id, ends_.Next().id);
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(0u, relay_->size());
}

}  // namespace
}  // namespace detach
