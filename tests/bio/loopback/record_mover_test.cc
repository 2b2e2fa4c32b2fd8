// What passes between a peer and a black box, and what never does: without sockets.
#include "bio/loopback/record_mover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bio/record/record_gate.h"

namespace detach {
namespace {

using Phase = RecordMover::Phase;
using Bytes = std::vector<std::uint8_t>;

Bytes BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes Record(std::string_view body) {
  const auto size = static_cast<std::uint8_t>(body.size());
  return Joined({{23, 3, 3, 0, size}, BytesOf(body)});
}

const Bytes kCloseNotify = Record("authentic, it says");
const Bytes kAnswer = Record("and so does this");

void Deliver(RecordLane& lane, std::span<const std::uint8_t> bytes) {
  const std::span<std::uint8_t> space = lane.ReceiveSpace();
  ASSERT_GE(space.size(), bytes.size());
  std::ranges::copy(bytes, space.begin());
  lane.Received(bytes.size());
}

// What `lane` lets through, written at once.
Bytes Written(RecordMover& mover, RecordLane& lane) {
  Bytes all;
  mover.Advance();
  while (!lane.Output().empty()) {
    all.insert(all.end(), lane.Output().begin(), lane.Output().end());
    lane.OutputWritten(lane.Output().size());
    mover.Advance();
  }
  return all;
}

Bytes ToStack(RecordMover& mover) { return Written(mover, mover.to_stack()); }
Bytes ToPeer(RecordMover& mover) { return Written(mover, mover.to_peer()); }

// A mover whose stack has been given the peer's close_notify, with `behind` in the same segment.
void HandOver(RecordMover& mover, const Bytes& behind = {}) {
  ASSERT_TRUE(mover.ExpectDetach().ok());
  Deliver(mover.to_stack(), Joined({kCloseNotify, behind}));
  ASSERT_EQ(ToStack(mover), kCloseNotify);
  ASSERT_EQ(mover.phase(), Phase::kHandedOver);
}

void Leave(RecordMover& mover, const Bytes& behind = {}) {
  HandOver(mover, behind);
  ASSERT_TRUE(mover.Decide(Verdict::kEnd).ok());
  ASSERT_EQ(mover.phase(), Phase::kLeaving);
}

void ExpectFailed(RecordMover& mover, Fault fault) {
  EXPECT_EQ(mover.phase(), Phase::kFailed);
  EXPECT_EQ(mover.status().fault(), fault) << mover.status().message();
  EXPECT_TRUE(ToStack(mover).empty());
  EXPECT_TRUE(ToPeer(mover).empty());
  EXPECT_EQ(mover.ExpectDetach().fault(), fault);
  EXPECT_EQ(mover.Decide(Verdict::kEnd).fault(), fault);
}

TEST(RecordMoverTest, RecordsPassBothWaysUntilADetachIsAgreed) {
  RecordMover mover;
  const Bytes three = Joined({Record("one"), Record(""), Record("three")});
  Deliver(mover.to_stack(), three);
  Deliver(mover.to_peer(), kAnswer);
  EXPECT_EQ(ToStack(mover), three);
  EXPECT_EQ(ToPeer(mover), kAnswer);
}

TEST(RecordMoverTest, GivesOneRecordToTheStackAndKeepsWhatFollowsAtEverySplit) {
  // What follows looks like TLS itself, as the inner TLS of a tunnel does.
  const Bytes behind = Joined({Record("inner"), BytesOf("raw"), Record("more")});
  const Bytes segment = Joined({kCloseNotify, behind});
  for (std::size_t split = 0; split <= segment.size(); ++split) {
    SCOPED_TRACE(split);
    RecordMover mover;
    ASSERT_TRUE(mover.ExpectDetach().ok());
    Deliver(mover.to_stack(), std::span(segment).first(split));
    Bytes given = ToStack(mover);
    Deliver(mover.to_stack(), std::span(segment).subspan(split));
    given = Joined({given, ToStack(mover)});
    EXPECT_EQ(given, kCloseNotify);
    ASSERT_TRUE(mover.Decide(Verdict::kEnd).ok());
    EXPECT_TRUE(ToStack(mover).empty());
    mover.to_peer().ReceivedEnd();
    mover.Advance();
    ASSERT_EQ(mover.phase(), Phase::kDetached);
    EXPECT_EQ(mover.TakeLeftover(), behind);
  }
}

TEST(RecordMoverTest, ARecordOnItsWayBeforeTheAgreementIsNotTheOneThatDecides) {
  RecordMover mover;
  Deliver(mover.to_stack(), Record("early"));
  mover.Advance();
  ASSERT_TRUE(mover.ExpectDetach().ok());
  EXPECT_EQ(mover.phase(), Phase::kExpecting);
  EXPECT_EQ(ToStack(mover), Record("early"));
  EXPECT_EQ(mover.phase(), Phase::kExpecting);
}

TEST(RecordMoverTest, ADetachBeforeTheAgreementIsNone) {
  RecordMover mover;
  Deliver(mover.to_stack(), kCloseNotify);
  EXPECT_EQ(ToStack(mover), kCloseNotify);
  EXPECT_EQ(mover.Decide(Verdict::kEnd).fault(), Fault::kViolation);
  ExpectFailed(mover, Fault::kViolation);
}

TEST(RecordMoverTest, AnEndThatCloseNotifyFromBeforeTheAgreementCausedIsNoDetach) {
  RecordMover mover;
  Deliver(mover.to_stack(), kCloseNotify);
  EXPECT_EQ(ToStack(mover), kCloseNotify);
  ASSERT_TRUE(mover.ExpectDetach().ok());
  EXPECT_EQ(mover.Decide(Verdict::kEnd).fault(), Fault::kViolation);
  ExpectFailed(mover, Fault::kViolation);
}

TEST(RecordMoverTest, AnEndBeforeTheWholeRecordWasWrittenToTheStackIsNoDetach) {
  RecordMover mover;
  ASSERT_TRUE(mover.ExpectDetach().ok());
  Deliver(mover.to_stack(), kCloseNotify);
  mover.Advance();
  mover.to_stack().OutputWritten(kCloseNotify.size() - 1);
  EXPECT_EQ(mover.phase(), Phase::kHandedOver);
  EXPECT_EQ(mover.Decide(Verdict::kEnd).fault(), Fault::kViolation);
}

TEST(RecordMoverTest, PlaintextMeansThatThereIsNoDetachAndRecordsPassAgain) {
  RecordMover mover;
  HandOver(mover, Record("next"));
  ASSERT_TRUE(mover.Decide(Verdict::kBytes).ok());
  EXPECT_EQ(mover.phase(), Phase::kMoving);
  EXPECT_EQ(ToStack(mover), Record("next"));
}

TEST(RecordMoverTest, AFailureOfTheStackIsNoDetach) {
  RecordMover mover;
  HandOver(mover, BytesOf("raw"));
  EXPECT_EQ(mover.Decide(Verdict::kFailure).fault(), Fault::kViolation);
  ExpectFailed(mover, Fault::kViolation);
}

TEST(RecordMoverTest, WhatIsNoRecordIsGivenToTheStackAloneToo) {
  RecordMover mover;
  ASSERT_TRUE(mover.ExpectDetach().ok());
  Deliver(mover.to_stack(), BytesOf("GET / HTTP/1.1\r\n"));
  EXPECT_EQ(ToStack(mover), BytesOf("GET /"));
  EXPECT_EQ(mover.phase(), Phase::kHandedOver);
}

TEST(RecordMoverTest, ThePeersEndWhereCloseNotifyIsDueIsATruncation) {
  for (std::size_t size = 0; size < kCloseNotify.size(); ++size) {
    SCOPED_TRACE(size);
    RecordMover mover;
    ASSERT_TRUE(mover.ExpectDetach().ok());
    Deliver(mover.to_stack(), std::span(kCloseNotify).first(size));
    mover.to_stack().ReceivedEnd();
    mover.Advance();
    ExpectFailed(mover, Fault::kTruncated);
  }
}

// Many a stack cannot tell an end from a close_notify: it would be the end that decides.
TEST(RecordMoverTest, TheStackIsNotToldOfThePeersEndBeforeItsVerdict) {
  RecordMover mover;
  HandOver(mover);
  mover.to_stack().ReceivedEnd();
  mover.Advance();
  EXPECT_FALSE(mover.StackEndDue());
  ASSERT_TRUE(mover.Decide(Verdict::kEnd).ok());
  EXPECT_TRUE(mover.StackEndDue());
}

TEST(RecordMoverTest, TheStacksCloseNotifyGoesOutBeforeTheConnectionIsRaw) {
  RecordMover mover;
  Leave(mover, BytesOf("raw"));
  Deliver(mover.to_peer(), kAnswer);
  mover.to_peer().ReceivedEnd();
  mover.Advance();
  EXPECT_EQ(mover.phase(), Phase::kLeaving);
  EXPECT_EQ(ToPeer(mover), kAnswer);
  EXPECT_EQ(mover.phase(), Phase::kDetached);
  EXPECT_EQ(mover.TakeLeftover(), BytesOf("raw"));
}

TEST(RecordMoverTest, AStackThatHasNotClosedHoldsTheDetachUp) {
  RecordMover mover;
  Leave(mover);
  Deliver(mover.to_peer(), kAnswer);
  EXPECT_EQ(ToPeer(mover), kAnswer);
  EXPECT_EQ(mover.phase(), Phase::kLeaving);
}

TEST(RecordMoverTest, AStackThatClosedFirstIsNotEndedForThePeer) {
  RecordMover mover;
  ASSERT_TRUE(mover.ExpectDetach().ok());
  Deliver(mover.to_peer(), kAnswer);
  mover.to_peer().ReceivedEnd();
  EXPECT_EQ(ToPeer(mover), kAnswer);
  EXPECT_FALSE(mover.PeerEndDue());
  Deliver(mover.to_stack(), kCloseNotify);
  EXPECT_EQ(ToStack(mover), kCloseNotify);
  ASSERT_TRUE(mover.Decide(Verdict::kEnd).ok());
  EXPECT_EQ(mover.phase(), Phase::kDetached);
}

TEST(RecordMoverTest, NothingBehindTheStacksCloseNotifyReachesThePeer) {
  for (const Bytes& late : {Record("a late ticket"), Bytes{21}}) {
    RecordMover mover;
    Leave(mover);
    Deliver(mover.to_peer(), Joined({kAnswer, late}));
    mover.to_peer().ReceivedEnd();
    EXPECT_EQ(ToPeer(mover), kAnswer);
    ExpectFailed(mover, Fault::kInternal);
  }
}

TEST(RecordMoverTest, HalfARecordOfADyingStackNeverReachesThePeer) {
  RecordMover mover;
  Leave(mover);
  Deliver(mover.to_peer(), std::span(kAnswer).first(7));
  mover.to_peer().ReceivedEnd();
  EXPECT_TRUE(ToPeer(mover).empty());
  ExpectFailed(mover, Fault::kInternal);
}

TEST(RecordMoverTest, WhatAStackWritesThatIsNoTlsNeverReachesThePeer) {
  RecordMover moving;
  Deliver(moving.to_peer(), BytesOf("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(ToPeer(moving).empty());
  ExpectFailed(moving, Fault::kInternal);

  RecordMover leaving;
  Leave(leaving);
  Deliver(leaving.to_peer(), BytesOf("stack traceback"));
  EXPECT_TRUE(ToPeer(leaving).empty());
  ExpectFailed(leaving, Fault::kInternal);
}

TEST(RecordMoverTest, UnreadRawBytesAreTheStacks) {
  const Bytes hello = Record("a ClientHello");
  RecordMover mover(hello);
  EXPECT_EQ(ToStack(mover), hello);
}

TEST(RecordMoverTest, MoreUnreadRawBytesThanItHoldsAreAMisuse) {
  RecordMover mover(Bytes(RecordGate::kChunk + 1, 22));
  ExpectFailed(mover, Fault::kMisuse);
}

TEST(RecordMoverTest, EndsPassWhereNoDetachIsAgreed) {
  RecordMover mover;
  Deliver(mover.to_stack(), std::span(kCloseNotify).first(9));
  mover.to_stack().ReceivedEnd();
  EXPECT_EQ(ToStack(mover), Bytes(kCloseNotify.begin(), kCloseNotify.begin() + 9));
  EXPECT_TRUE(mover.StackEndDue());
  EXPECT_FALSE(mover.PeerEndDue());
  mover.to_peer().ReceivedEnd();
  EXPECT_TRUE(mover.PeerEndDue());
  mover.Advance();
  EXPECT_EQ(mover.phase(), Phase::kClosed);
}

TEST(RecordMoverTest, AStackThatTakesNoMoreStillHasItsLastWord) {
  RecordMover mover;
  Deliver(mover.to_stack(), Record("lost"));
  mover.Advance();
  mover.StackTakesNoMore(Transport("broken pipe"));
  Deliver(mover.to_stack(), Record("lost too"));
  EXPECT_TRUE(ToStack(mover).empty());
  Deliver(mover.to_peer(), kAnswer);
  EXPECT_EQ(ToPeer(mover), kAnswer);
  EXPECT_TRUE(mover.status().ok());
}

TEST(RecordMoverTest, AStackThatResetsBehindItsAlertStillHasItsLastWord) {
  RecordMover mover;
  Deliver(mover.to_peer(), kAnswer);
  mover.StackFailed(Transport("connection reset"));
  EXPECT_EQ(ToPeer(mover), kAnswer);
  EXPECT_TRUE(mover.PeerEndDue());
  EXPECT_TRUE(mover.status().ok());
}

TEST(RecordMoverTest, AStackThatResetsIsNotLeft) {
  for (const bool handed_over : {false, true}) {
    RecordMover mover;
    if (handed_over) {
      HandOver(mover);
    } else {
      ASSERT_TRUE(mover.ExpectDetach().ok());
    }
    mover.StackFailed(Transport("connection reset"));
    ExpectFailed(mover, Fault::kTransport);
  }
}

TEST(RecordMoverTest, AStackThatTakesNoMoreCannotBeLeft) {
  RecordMover mover;
  ASSERT_TRUE(mover.ExpectDetach().ok());
  Deliver(mover.to_stack(), kCloseNotify);
  mover.Advance();
  mover.StackTakesNoMore(Transport("broken pipe"));
  ExpectFailed(mover, Fault::kTransport);
}

TEST(RecordMoverTest, ADetachThatIsForgottenIsNoneAndRecordsPassAgain) {
  RecordMover mover;
  ASSERT_TRUE(mover.ExpectDetach().ok());
  ASSERT_TRUE(mover.ForgetDetach().ok());
  Deliver(mover.to_stack(), Joined({kCloseNotify, kAnswer}));
  EXPECT_EQ(ToStack(mover), Joined({kCloseNotify, kAnswer}));
  EXPECT_EQ(mover.Decide(Verdict::kEnd).fault(), Fault::kViolation);
}

TEST(RecordMoverTest, ADetachCannotBeForgottenOnceTheRecordIsWithTheStack) {
  RecordMover mover;
  EXPECT_EQ(mover.ForgetDetach().fault(), Fault::kMisuse);
  HandOver(mover);
  EXPECT_EQ(mover.ForgetDetach().fault(), Fault::kMisuse);
  EXPECT_EQ(mover.phase(), Phase::kHandedOver);
}

TEST(RecordMoverTest, IsAskedForOneDetachAtATime) {
  RecordMover mover;
  ASSERT_TRUE(mover.ExpectDetach().ok());
  EXPECT_EQ(mover.ExpectDetach().fault(), Fault::kMisuse);
  EXPECT_EQ(mover.phase(), Phase::kExpecting);
}

TEST(RecordMoverTest, NoDetachIsExpectedOfAStackThatHasEnded) {
  RecordMover mover;
  mover.to_peer().ReceivedEnd();
  EXPECT_EQ(mover.ExpectDetach().fault(), Fault::kMisuse);
}

}  // namespace
}  // namespace detach
