// What is no detach, with a stock libssl as the black box: forgeries, ends, deaths, silence.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "bio/loopback/loopback_pair.h"
#include "tests/bio/loopback/loopback_fixture.h"

namespace detach {
namespace {

using std::chrono::milliseconds;

const std::string kGo = "GO";

class LoopbackFailureTest : public testing::TestWithParam<TlsVersion> {
 protected:
  explicit LoopbackFailureTest(milliseconds limit = kPatience) : limit_(limit) {}

  // Both ends have agreed; the peer has read GO.
  void Agree() {
    Upgrade();
    EXPECT_OK(pairing.pair.ExpectDetach());
    pairing.stack.Write(kGo);
    EXPECT_EQ(ReadText(ends.peer, Origin::kTls, kGo.size()), kGo);
  }

  void Upgrade() {
    Together([this] { EXPECT_OK(ends.peer.Upgrade(ClientContext(GetParam()))); },
             [this] { pairing.stack.Handshake(); });
  }

  void PutOnTheWire(std::string_view bytes) {
    EXPECT_EQ(send(ends.wire, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  void ExpectFailure(Fault fault) {
    const Result<std::optional<LoopbackPair::Detached>> ran = pairing.Ran();
    ASSERT_FALSE(ran.ok());
    EXPECT_EQ(ran.status().fault(), fault) << ran.status().message();
  }

  // The connection is cut: not one raw byte can reach the peer.
  void ExpectPeerCut() {
    char space[1000];
    ssize_t got = 1;
    while (got > 0) got = recv(ends.wire, space, sizeof space, 0);
    EXPECT_LT(got, 0) << "a FIN, where a reset is due";
  }

  const milliseconds limit_;
  const SslContext context = StockServerContext(GetParam());
  PlainPair ends;
  Pairing pairing{
      std::move(ends.plain), Form::kLoopback, context, {}, {.leave = limit_, .close = limit_}};
};

// For stacks that let the limit pass.
class LoopbackLimitTest : public LoopbackFailureTest {
 protected:
  LoopbackLimitTest() : LoopbackFailureTest(milliseconds(200)) {}
};

INSTANTIATE_TEST_SUITE_P(Versions, LoopbackLimitTest,
                         testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName);
INSTANTIATE_TEST_SUITE_P(Versions, LoopbackFailureTest,
                         testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName);

TEST_P(LoopbackFailureTest, AForgedRecordInPlaceOfCloseNotifyIsNoDetach) {
  Agree();
  const std::string body(26, 'x');  // as long as the real one of TLS 1.2
  PutOnTheWire(std::string("\x15\x03\x03\x00\x1a", 5) + body + "raw, says somebody");
  const Verdict verdict = pairing.stack.ReadOn();
  EXPECT_EQ(verdict, Verdict::kFailure);
  EXPECT_EQ(pairing.pair.Decide(verdict).fault(), Fault::kViolation);
  ExpectFailure(Fault::kViolation);
}

TEST_P(LoopbackFailureTest, ACloseNotifyInClearIsNoDetach) {
  Agree();
  PutOnTheWire(std::string("\x15\x03\x03\x00\x02\x01\x00", 7));
  const Verdict verdict = pairing.stack.ReadOn();
  EXPECT_EQ(verdict, Verdict::kFailure);
  EXPECT_EQ(pairing.pair.Decide(verdict).fault(), Fault::kViolation);
  ExpectFailure(Fault::kViolation);
}

TEST_P(LoopbackFailureTest, ADetachBeforeTheAgreementIsNone) {
  Upgrade();
  EXPECT_OK(ends.peer.DetachSending());
  const Verdict verdict = pairing.stack.ReadOn();
  EXPECT_EQ(verdict, Verdict::kEnd);
  EXPECT_EQ(pairing.pair.Decide(verdict).fault(), Fault::kViolation);
  ExpectFailure(Fault::kViolation);
}

TEST_P(LoopbackFailureTest, DataMeansNoDetachAndAnotherOneMayBeAgreed) {
  Agree();
  EXPECT_OK(ends.peer.Write(AsBytes("x")));
  EXPECT_EQ(pairing.stack.ReadOn(), Verdict::kBytes);
  EXPECT_OK(pairing.pair.Decide(Verdict::kBytes));
  EXPECT_OK(ends.peer.Write(AsBytes("under TLS")));
  EXPECT_EQ(pairing.stack.Read(9), "under TLS");

  EXPECT_OK(pairing.pair.ExpectDetach());
  Together([this] { EXPECT_OK(ends.peer.Detach()); },
           [this] {
             EXPECT_OK(pairing.pair.Decide(pairing.stack.ReadOn()));
             pairing.stack.SendCloseNotify();
             pairing.stack.Close();
           });
  EXPECT_TRUE(pairing.RanToDetach().peer.valid());
}

TEST_P(LoopbackFailureTest, ThePeersFinIsNoDetach) {
  Agree();
  shutdown(ends.wire, SHUT_WR);
  ExpectFailure(Fault::kTruncated);
  EXPECT_NE(pairing.stack.ReadOn(), Verdict::kEnd);
}

TEST_P(LoopbackFailureTest, ThePeersResetIsNoDetach) {
  Agree();
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(ends.wire, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ends.peer = DetachableSocket(UniqueFd());
  ExpectFailure(Fault::kTransport);
  EXPECT_NE(pairing.stack.ReadOn(), Verdict::kEnd);
}

// What waits behind the record is as raw as the record was the last: but not if it is a reset.
TEST_P(LoopbackFailureTest, AResetBehindTheRecordIsNoDetach) {
  Agree();
  EXPECT_OK(ends.peer.DetachSending());
  EXPECT_EQ(pairing.stack.ReadOn(), Verdict::kEnd);
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(ends.wire, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ends.peer = DetachableSocket(UniqueFd());
  ExpectFailure(Fault::kTransport);
  EXPECT_EQ(pairing.pair.Decide(Verdict::kEnd).fault(), Fault::kTransport);
}

TEST_P(LoopbackFailureTest, ASilentPeerEndsTheWait) {
  Upgrade();
  EXPECT_OK(pairing.pair.ExpectDetach(Deadline(milliseconds(50))));
  ExpectFailure(Fault::kTransport);
  ExpectPeerCut();
}

TEST_P(LoopbackLimitTest, AStackThatSaysNothingEndsTheWait) {
  Agree();
  EXPECT_OK(ends.peer.DetachSending());
  ExpectFailure(Fault::kTransport);
  ExpectPeerCut();
}

TEST_P(LoopbackLimitTest, AStackThatNeverClosesEndsTheWait) {
  Agree();
  EXPECT_OK(ends.peer.DetachSending());
  (void)pairing.pair.Decide(pairing.stack.ReadOn());
  ExpectFailure(Fault::kTransport);
  ExpectPeerCut();
}

TEST_P(LoopbackLimitTest, APeerThatReadsNothingHoldsNobodyWhoHasGone) {
  Upgrade();
  std::thread stack([this] {
    while (pairing.stack.TryWrite(std::string(100'000, 'x'))) continue;
  });
  pairing.pair.Abandon();
  ExpectFailure(Fault::kTransport);
  stack.join();
}

TEST_P(LoopbackLimitTest, AStackThatDiesWhileTheDetachIsAwaitedIsNone) {
  Agree();
  pairing.stack.Close();
  EXPECT_OK(ends.peer.DetachSending());
  ExpectFailure(Fault::kTransport);
  ExpectPeerCut();
}

TEST_P(LoopbackFailureTest, AStackThatDiesUnderTlsIsATruncationForThePeer) {
  Upgrade();
  pairing.stack.Write(kGo);
  pairing.stack.Close();
  EXPECT_EQ(ReadText(ends.peer, Origin::kTls, kGo.size()), kGo);
  std::uint8_t byte = 0;
  EXPECT_EQ(ends.peer.Read({&byte, 1}).status().fault(), Fault::kTruncated);
}

TEST_P(LoopbackFailureTest, WhatAStackWritesBehindItsCloseNotifyNeverReachesThePeer) {
  Agree();
  EXPECT_OK(ends.peer.DetachSending());
  EXPECT_OK(pairing.pair.Decide(pairing.stack.ReadOn()));
  pairing.stack.SendCloseNotify();
  const std::string late = std::string("\x17\x03\x03\x00\x04", 5) + "late";
  EXPECT_EQ(send(pairing.stack.fd(), late.data(), late.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(late.size()));
  pairing.stack.Close();
  ExpectFailure(Fault::kInternal);
  std::string seen(1000, '\0');
  const ssize_t got = recv(ends.wire, seen.data(), seen.size(), 0);
  seen.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  EXPECT_EQ(seen.find("late"), std::string::npos);
}

TEST_P(LoopbackFailureTest, AConnectionThatEndsUnderTlsIsJustOver) {
  Upgrade();
  EXPECT_OK(ends.peer.DetachSending());
  EXPECT_EQ(pairing.stack.ReadOn(), Verdict::kEnd);
  pairing.stack.SendCloseNotify();
  pairing.stack.Close();
  EXPECT_EQ(ReadOnce(ends.peer), ReadEvent::kPeerDetached);
  EXPECT_EQ(shutdown(ends.wire, SHUT_WR), 0);
  const Result<std::optional<LoopbackPair::Detached>> ran = pairing.Ran();
  EXPECT_OK(ran.status());
  EXPECT_FALSE(ran->has_value());
}

TEST_P(LoopbackFailureTest, IsStoppedFromAnotherThread) {
  Upgrade();
  pairing.pair.Stop();
  ExpectFailure(Fault::kMisuse);
  ExpectPeerCut();
}

}  // namespace
}  // namespace detach
