// The relay's main behaviour over real TCP sockets: bytes, order, FIN, RST, back-pressure.
#include "proxies/tunnel/relay.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "tests/proxies/tunnel/relay_fixture.h"

namespace detach {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

// FillWithPattern sends bytes of stream 1 until nothing more fits between `peer` and a receiver
// that does not read, and returns how many that were. The sum of what kernel and relay take bounds
// it.
std::uint64_t FillWithPattern(const Peer& peer) {
  std::uint64_t accepted = 0;
  pollfd writable{.fd = peer.fd(), .events = POLLOUT};
  while (accepted < 2 * kMiB && ::poll(&writable, 1, 100) == 1) {
    const std::vector<std::uint8_t> block = Pattern(1, accepted, 100'000);
    const ssize_t sent = ::send(peer.fd(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) accepted += static_cast<std::uint64_t>(sent);
  }
  EXPECT_LT(accepted, 2 * kMiB);
  return accepted;
}

// SpinsWhileNothingMoves takes the process's CPU time over 400 ms of waiting: what sleeps uses
// none, what spins all that it gets.
bool SpinsWhileNothingMoves() {
  const std::clock_t before = std::clock();
  (void)::poll(nullptr, 0, 400);
  return std::clock() - before > CLOCKS_PER_SEC / 100;
}

void ExpectBulkBothWays(Peer& a, Peer& b, std::uint64_t size) {
  std::thread a_sends([&] { a.SendPatternAndFin(1, size); });
  std::thread b_sends([&] { b.SendPatternAndFin(2, size); });
  std::thread slow_reader([&] { EXPECT_EQ(size, a.ReceivePattern(2, 1000)); });
  EXPECT_EQ(size, b.ReceivePattern(1, 100'000));
  a_sends.join();
  b_sends.join();
  slow_reader.join();
}

TEST_F(RelayTest, CarriesBulkBothWaysIntactBesideASlowReader) {
  Start();
  auto [a, b] = Open();
  ExpectBulkBothWays(a, b, 32 * kMiB);
  const TunnelEnd end = ends_.Next();
  EXPECT_EQ(TunnelEnding::kClosed, end.how);
  EXPECT_EQ(32 * kMiB, end.a_to_b.bytes);
  EXPECT_EQ(32 * kMiB, end.b_to_a.bytes);
}

TEST_F(RelayTest, SplicesAtLeast99PercentOfBulk) {
  Start();
  auto [a, b] = Open();
  std::thread sender([peer = &a] { peer->SendPatternAndFin(1, 64 * kMiB); });
  EXPECT_EQ(64 * kMiB, b.ReceivePattern(1, 100'000));
  sender.join();
  b.Fin();
  EXPECT_GE(ends_.Next().a_to_b.spliced, 64 * kMiB / 100 * 99);
}

TEST_F(RelayTest, SplicesAStreamOfPiecesOfSomeSize) {
  Start();
  auto [a, b] = Open();
  const std::string piece(8000, 'x');
  for (int i = 0; i < 100; ++i) {
    a.Send(piece);
    ASSERT_EQ(piece, b.Receive(piece.size()));
  }
  a.Fin();
  b.Fin();
  EXPECT_GE(ends_.Next().a_to_b.spliced, 80 * piece.size());
}

TEST_F(RelayTest, CopiesAgainWhenBulkBecomesMessages) {
  Start();
  auto [a, b] = Open();
  std::thread sender([peer = &a] { peer->Send(std::string(8 * kMiB, 'x')); });
  EXPECT_EQ(8 * kMiB, b.Receive(8 * kMiB).size());
  sender.join();
  for (int round = 0; round < 100; ++round) {
    a.Send("ping");
    ASSERT_EQ("ping", b.Receive(4));
  }
  a.Fin();
  b.Fin();
  const TunnelEnd end = ends_.Next();
  EXPECT_GE(end.a_to_b.bytes - end.a_to_b.spliced, 80u * 4);
}

TEST_F(RelayTest, CopiesShortMessages) {
  Start();
  auto [a, b] = Open();
  for (int round = 0; round < 100; ++round) {
    a.Send("ping");
    ASSERT_EQ("ping", b.Receive(4));
    b.Send("pong!");
    ASSERT_EQ("pong!", a.Receive(5));
  }
  a.Fin();
  b.Fin();
  const TunnelEnd end = ends_.Next();
  EXPECT_EQ(400u, end.a_to_b.bytes);
  EXPECT_EQ(500u, end.b_to_a.bytes);
  EXPECT_EQ(0u, end.a_to_b.spliced + end.b_to_a.spliced);
}

TEST_F(RelayTest, SendsTheLeftoverBeforeWhatItReads) {
  Start();
  TcpPair a = ConnectedPair();
  TcpPair b = ConnectedPair();
  Peer a_peer(std::move(a.near)), b_peer(std::move(b.far));
  a_peer.Send("second from a");
  b_peer.Send("second from b");
  RawTunnel tunnel;
  tunnel.a = std::move(a.far);
  tunnel.b = std::move(b.near);
  tunnel.a_to_b.leftover = {'1', ','};
  tunnel.b_to_a.leftover = {'2', ','};
  tunnel.a_to_b.bytes = 1000;
  tunnel.on_end = ends_.Collector();
  relay_->Adopt(std::move(tunnel));
  EXPECT_EQ("1,second from a", b_peer.Receive(15));
  EXPECT_EQ("2,second from b", a_peer.Receive(15));
  a_peer.Fin();
  b_peer.Fin();
  EXPECT_EQ(1015u, ends_.Next().a_to_b.bytes);
}

TEST_F(RelayTest, SendsALeftoverThatDoesNotFitIntoTheSocketAtOnce) {
  Start();
  auto [a, b] = Open(
      1,
      [](RawTunnel& tunnel) {
        tunnel.a_to_b.leftover = Pattern(1, 0, kMiB);
        tunnel.a_to_b.eof = true;
      },
      8 * 1024);
  EXPECT_EQ(kMiB, b.ReceivePattern(1, 5000));
  b.Fin();
  EXPECT_TRUE(a.SeesFin());
  EXPECT_EQ(TunnelEnding::kClosed, ends_.Next().how);
}

TEST_F(RelayTest, FinOfAKeepsTheOtherDirectionFlowing) {
  Start();
  auto [a, b] = Open();
  a.Send("last words");
  a.Fin();
  EXPECT_EQ("last words", b.Receive(10));
  EXPECT_TRUE(b.SeesFin());
  b.SendPatternAndFin(2, kMiB);
  EXPECT_EQ(kMiB, a.ReceivePattern(2, 10'000));
  EXPECT_EQ(TunnelEnding::kClosed, ends_.Next().how);
}

TEST_F(RelayTest, FinOfBKeepsTheOtherDirectionFlowing) {
  Start();
  auto [a, b] = Open();
  b.Fin();
  EXPECT_TRUE(a.SeesFin());
  a.SendPatternAndFin(1, kMiB);
  EXPECT_EQ(kMiB, b.ReceivePattern(1, 10'000));
  EXPECT_EQ(TunnelEnding::kClosed, ends_.Next().how);
}

TEST_F(RelayTest, TakesOverATunnelWithOneDirectionFinished) {
  Start();
  TcpPair a = ConnectedPair();
  TcpPair b = ConnectedPair();
  Peer a_peer(std::move(a.near)), b_peer(std::move(b.far));
  a_peer.Fin();
  ASSERT_EQ(0, ::shutdown(b.near.get(), SHUT_WR));
  RawTunnel tunnel;
  tunnel.a = std::move(a.far);
  tunnel.b = std::move(b.near);
  tunnel.a_to_b.eof = tunnel.a_to_b.finished = true;
  tunnel.on_end = ends_.Collector();
  relay_->Adopt(std::move(tunnel));
  EXPECT_TRUE(b_peer.SeesFin());
  b_peer.Send("answer");
  b_peer.Fin();
  EXPECT_EQ("answer", a_peer.Receive(7));
  EXPECT_EQ(TunnelEnding::kClosed, ends_.Next().how);
}

TEST_F(RelayTest, RstOfACrossesAsRst) {
  Start();
  auto [a, b] = Open();
  a.Reset();
  EXPECT_TRUE(b.SeesReset());
  EXPECT_EQ(TunnelEnding::kResetByA, ends_.Next().how);
}

TEST_F(RelayTest, RstOfBCrossesAsRst) {
  Start();
  auto [a, b] = Open();
  b.Reset();
  EXPECT_TRUE(a.SeesReset());
  EXPECT_EQ(TunnelEnding::kResetByB, ends_.Next().how);
}

// The leg that is reset is then watched for nothing: its FIN came, and the other's was not sent.
TEST_F(RelayTest, RstAfterFinCrossesAsRst) {
  Start();
  auto [a, b] = Open();
  a.Fin();
  EXPECT_TRUE(b.SeesFin());
  a.Reset();
  EXPECT_TRUE(b.SeesReset());
  EXPECT_EQ(TunnelEnding::kResetByA, ends_.Next().how);
}

TEST_F(RelayTest, RstCrossesFromALegWhoseBytesTheOtherDoesNotRead) {
  Start();
  auto [a, b] = Open(1, {}, 16 * 1024);
  (void)FillWithPattern(a);
  a.Reset();
  EXPECT_TRUE(b.SeesReset());
  EXPECT_EQ(TunnelEnding::kResetByA, ends_.Next().how);
}

TEST_F(RelayTest, RstOfAReceiverInTheMiddleOfBulkReachesTheSender) {
  Start();
  auto [a, b] = Open();
  std::thread sender([peer = &a] {
    const std::vector<std::uint8_t> block(100'000);
    while (::send(peer->fd(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  EXPECT_EQ(5 * kMiB, b.Receive(5 * kMiB).size());
  b.Reset();
  sender.join();
  EXPECT_EQ(TunnelEnding::kResetByB, ends_.Next().how);
}

// Who fetches the error of a reset socket gets EOF from it afterwards: the relay, too, when it was
// just sending there.
TEST_F(RelayTest, RstIsNeverSeenAsAnEnd) {
  Start();
  const std::string block(50'000, 'x');
  for (int round = 0; round < 300; ++round) {
    auto [a, b] = Open();
    a.Send(block);
    b.Send(block);
    a.Reset();
    std::string buffer(block.size(), ' ');
    ssize_t read;
    do {
      read = ::recv(b.fd(), buffer.data(), buffer.size(), 0);
    } while (read > 0);
    ASSERT_EQ(-1, read) << "round " << round;
  }
}

// A server that answers early and closes with unread input resets the connection behind its answer.
// Here the relay learns of it when it sends.
TEST_F(RelayTest, DeliversWhatWasSentBeforeAnRst) {
  Start();
  TcpPair a = ConnectedPair();
  TcpPair b = ConnectedPair();
  Peer a_peer(std::move(a.near)), b_peer(std::move(b.far));
  b_peer.Send("answer");
  b_peer.Reset();
  RawTunnel tunnel;
  tunnel.a = std::move(a.far);
  tunnel.b = std::move(b.near);
  tunnel.a_to_b.leftover = {'?'};
  tunnel.on_end = ends_.Collector();
  relay_->Adopt(std::move(tunnel));
  EXPECT_EQ("answer", a_peer.Receive(6));
  EXPECT_TRUE(a_peer.SeesReset());
  EXPECT_EQ(TunnelEnding::kResetByB, ends_.Next().how);
}

TEST_F(RelayTest, BytesOfATunnelThatWasCutNeverReachAnother) {
  Start({.max_pipes = 1});
  auto [a, b] = Open(1, {}, 64 * 1024);
  (void)FillWithPattern(a);
  b.Reset();
  EXPECT_EQ(TunnelEnding::kResetByB, ends_.Next().how);
  auto [other_a, other_b] = Open(2);
  std::thread sender([peer = &other_a] { peer->SendPatternAndFin(2, 4 * kMiB); });
  EXPECT_EQ(4 * kMiB, other_b.ReceivePattern(2, 100'000));
  sender.join();
  other_b.Fin();
  EXPECT_GT(ends_.Next().a_to_b.spliced, 0u);
}

TEST_F(RelayTest, AReceiverThatStopsReadingStopsTheSenderAtNoCpu) {
  Start();
  auto [a, b] = Open(1, {}, 64 * 1024);
  const std::uint64_t accepted = FillWithPattern(a);
  EXPECT_FALSE(SpinsWhileNothingMoves());
  a.Fin();
  EXPECT_EQ(accepted, b.ReceivePattern(1, 10'000));
}

// Leg a has then seen both FINs, which epoll reports for ever: EPOLLHUP cannot be switched off.
TEST_F(RelayTest, ALegThatIsDoneCostsNoCpuWhileTheOtherIsBlocked) {
  Start();
  const auto blocked = [](RawTunnel& raw) { raw.a_to_b.leftover = Pattern(1, 0, kMiB); };
  auto [a, b] = Open(1, blocked, 8 * 1024);
  a.Fin();
  b.Fin();
  EXPECT_TRUE(a.SeesFin());
  EXPECT_FALSE(SpinsWhileNothingMoves());
  EXPECT_EQ(kMiB, b.ReceivePattern(1, 10'000));
  EXPECT_EQ(TunnelEnding::kClosed, ends_.Next().how);
}

TEST_F(RelayTest, AnIdleTunnelCostsNoCpu) {
  Start();
  auto [a, b] = Open(1, [](RawTunnel& raw) { raw.idle_limit = std::chrono::hours(1); });
  a.Send("x");
  EXPECT_EQ("x", b.Receive(1));
  EXPECT_FALSE(SpinsWhileNothingMoves());
}

TEST_F(RelayTest, CarriesBulkWithoutAnyPipe) {
  Start({.max_pipes = 0});
  auto [a, b] = Open();
  ExpectBulkBothWays(a, b, 8 * kMiB);
  const TunnelEnd end = ends_.Next();
  EXPECT_EQ(TunnelEnding::kClosed, end.how);
  EXPECT_EQ(0u, end.a_to_b.spliced + end.b_to_a.spliced);
}

}  // namespace
}  // namespace detach
