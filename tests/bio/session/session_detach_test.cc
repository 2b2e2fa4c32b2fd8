// The switch itself: order on the wire, leftover, origins, and silence after the close_notify.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/bio/session/session_fixture.h"

namespace detach {
namespace {

using SessionDetachTest = SessionTest;

// Rule 4.
TEST_F(SessionDetachTest, WritesRecordsThenCloseNotifyThenRaw) {
  EnterTls();
  ASSERT_TRUE(WriteText(session_, "before").ok());
  ASSERT_TRUE(session_.Detach().ok());
  ASSERT_TRUE(WriteText(session_, "after").ok());
  EXPECT_EQ(TakeOutput(session_),
            ScriptedRecord("data:before") + ScriptedRecord("close") + "after");
}

TEST_F(SessionDetachTest, KeepsTheOrderHoweverLittleTheTransportTakes) {
  EnterTls();
  std::string wire;
  ASSERT_TRUE(WriteText(session_, "before").ok());
  wire += TakeOutput(session_, 3);
  ASSERT_TRUE(session_.Detach().ok());
  wire += TakeOutput(session_, 1);
  ASSERT_TRUE(WriteText(session_, "after").ok());
  while (!session_.Output().empty()) wire += TakeOutput(session_, 1);
  EXPECT_EQ(wire, ScriptedRecord("data:before") + ScriptedRecord("close") + "after");
}

// Rules 1 and 8: whatever follows the close_notify, at every split.
TEST_F(SessionDetachTest, HandsOutWhatFollowsCloseNotifyAsRawAtEverySplit) {
  const std::string wire = ScriptedRecord("data:under TLS") + ScriptedRecord("close") + "leftover";
  EnterTls();
  for (std::size_t split = 1; split < wire.size(); ++split) {
    Transcript transcript;
    ASSERT_TRUE(Feed(session_, wire.substr(0, split)).ok());
    ReadAll(session_, transcript);
    ASSERT_TRUE(Feed(session_, wire.substr(split)).ok());
    ReadAll(session_, transcript);
    EXPECT_EQ(transcript.text(), "tls:under TLS detached raw:leftover") << "split at " << split;
    ASSERT_TRUE(session_.Detach().ok());
    EnterTls();
  }
}

TEST_F(SessionDetachTest, TellsTheOriginOfEveryByteAndTheDetachBetweenOnce) {
  EnterTls();
  ASSERT_TRUE(Feed(session_, ScriptedRecord("data:a") + ScriptedRecord("data:b") +
                                 ScriptedRecord("close") + "cd")
                  .ok());
  EXPECT_EQ(ReadAll(session_, 1), "tls:ab detached raw:cd");
  EXPECT_EQ(ReadAll(session_), "");
}

TEST_F(SessionDetachTest, ARawHeadThatLooksLikeARecordStaysRaw) {
  EnterTls();
  const std::string head = ScriptedRecord("data:no") + ScriptedRecord("close");
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close") + head).ok());
  EXPECT_EQ(ReadAll(session_), "detached raw:" + head);
}

TEST_F(SessionDetachTest, APeerThatDetachesFirstStillGetsOurDataUnderTls) {
  EnterTls();
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close") + "raw").ok());
  ASSERT_TRUE(WriteText(session_, "still TLS").ok());
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("data:still TLS"));
  ASSERT_TRUE(session_.Detach().ok());
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
  EXPECT_EQ(ReadAll(session_), "detached raw:raw");
}

TEST_F(SessionDetachTest, WeDetachFirstAndStillReadThePeersDataUnderTls) {
  EnterTls();
  ASSERT_TRUE(session_.Detach().ok());
  ASSERT_TRUE(Peer("data:late").ok());
  EXPECT_EQ(ReadAll(session_), "tls:late");
  ASSERT_TRUE(Peer("close").ok());
  EXPECT_EQ(ReadAll(session_), "detached");
}

// Rule 6 (Xray-core #6794), hazard 15.
TEST_F(SessionDetachTest, NothingOfTheBackendFollowsOurCloseNotify) {
  EnterTls();
  ASSERT_TRUE(session_.Detach().ok());
  TakeOutput(session_);
  ASSERT_TRUE(Peer("key-update").ok());
  EXPECT_EQ(TakeOutput(session_), "");
  EXPECT_EQ(Peer("gibberish").fault(), Fault::kViolation);
  EXPECT_EQ(TakeOutput(session_), "") << "not even the alert";
}

TEST_F(SessionDetachTest, NothingOfTheBackendMixesWithRawBytesThatWait) {
  EnterTls();
  ASSERT_TRUE(session_.Detach().ok());
  ASSERT_TRUE(WriteText(session_, "raw").ok());
  ASSERT_TRUE(Peer("key-update").ok());
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close") + "raw");
}

TEST_F(SessionDetachTest, QuiescedNothingOfTheBackendFollowsOurCloseNotify) {
  EnterTls({.half_detach = false});
  ASSERT_TRUE(session_.Detach().ok());
  TakeOutput(session_);
  EXPECT_EQ(Peer("gibberish").fault(), Fault::kViolation);
  EXPECT_EQ(TakeOutput(session_), "");
}

TEST_F(SessionDetachTest, FreesTheBackendAsSoonAsBothDirectionsAreRaw) {
  EnterTls();
  ASSERT_TRUE(session_.Detach().ok());
  EXPECT_FALSE(journal_->destroyed);
  ASSERT_TRUE(Peer("close").ok());
  EXPECT_TRUE(journal_->destroyed);
  EXPECT_FALSE(session_.has_tls());
}

// Rule 5.
TEST_F(SessionDetachTest, SendsCloseNotifyOnce) {
  EnterTls();
  ASSERT_TRUE(session_.Detach().ok());
  EXPECT_EQ(session_.Detach().fault(), Fault::kMisuse);
  ASSERT_TRUE(Feed(session_, ScriptedRecord("data:in flight") + ScriptedRecord("close")).ok());
  EXPECT_EQ(ReadAll(session_), "tls:in flight detached");
  EXPECT_EQ(session_.Detach().fault(), Fault::kMisuse);
  EXPECT_EQ(std::count(journal_->calls.begin(), journal_->calls.end(), "SendCloseNotify"), 1);
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
}

// Rule 7: TLS 1.2 closes both ways or not at all.
TEST_F(SessionDetachTest, QuiescedWeCloseFirstAndAreSilentUntilThePeerHas) {
  EnterTls({.half_detach = false});
  ASSERT_TRUE(session_.Detach().ok());
  EXPECT_EQ(WriteText(session_, "too early").fault(), Fault::kMisuse);
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close") + "raw").ok());
  EXPECT_EQ(ReadAll(session_), "detached raw:raw");
  ASSERT_TRUE(WriteText(session_, "raw too").ok());
  EXPECT_EQ(TakeOutput(session_), "raw too");
}

TEST_F(SessionDetachTest, QuiescedThePeerClosesFirstAndIsAnsweredAtOnce) {
  EnterTls({.half_detach = false});
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close") + "raw").ok());
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
  EXPECT_EQ(ReadAll(session_), "detached raw:raw");
  EXPECT_EQ(WriteText(session_, "does the application know?").fault(), Fault::kMisuse);
  ASSERT_TRUE(session_.Detach().ok());
  ASSERT_TRUE(WriteText(session_, "yes").ok());
  EXPECT_EQ(TakeOutput(session_), "yes");
}

TEST_F(SessionDetachTest, QuiescedABackendThatAnswersByItselfIsNotMadeToAnswerTwice) {
  EnterTls({.half_detach = false, .answers_close = true});
  ASSERT_TRUE(Peer("close").ok());
  ASSERT_TRUE(session_.Detach().ok());
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
}

TEST_F(SessionDetachTest, QuiescedBothCloseAtOnceAndBothAreRaw) {
  EnterTls({.half_detach = false});
  ASSERT_TRUE(session_.Detach().ok());
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close")).ok());
  EXPECT_EQ(session_.state(), State{});
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
}

// Rule 8, CVE-2011-0411: what came in the clear is never the application's after the upgrade.
TEST_F(SessionDetachTest, UpgradeMakesUnreadRawBytesTlsInput) {
  ASSERT_TRUE(Feed(session_, ScriptedRecord("hello") + ScriptedRecord("data:protected")).ok());
  ASSERT_TRUE(Upgrade({.role = Role::kServer}).ok());
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("done"));
  EXPECT_EQ(ReadAll(session_), "tls:protected");
}

TEST_F(SessionDetachTest, UpgradeRefusesACommandSmuggledInBeforeTls) {
  ASSERT_TRUE(Feed(session_, "EVIL COMMAND\r\n").ok());
  EXPECT_EQ(Upgrade({.role = Role::kServer}).fault(), Fault::kViolation);
  EXPECT_EQ(ReadAll(session_), "error:violation");
}

TEST_F(SessionDetachTest, UpgradeIsRefusedWhileBytesOfTheLastTlsAreUnread) {
  EnterTls();
  ASSERT_TRUE(Feed(session_, ScriptedRecord("data:unread")).ok());
  ASSERT_TRUE(session_.Detach().ok());
  EXPECT_EQ(Upgrade().fault(), Fault::kMisuse);
  EXPECT_EQ(ReadAll(session_), "tls:unread") << "misuse destroys nothing";
}

TEST_F(SessionDetachTest, UpgradeIsRefusedUntilTheDetachHasBeenRead) {
  EnterTls();
  ASSERT_TRUE(session_.Detach().ok());
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close") + "raw").ok());
  EXPECT_EQ(Upgrade().fault(), Fault::kMisuse);
  EXPECT_EQ(ReadAll(session_), "detached raw:raw");
}

// Rule 9.
TEST_F(SessionDetachTest, GoesFromTlsToRawAndBackAgainAndAgain) {
  for (int round = 0; round < 20; ++round) {
    const std::string number = std::to_string(round);
    ASSERT_TRUE(Upgrade({.half_detach = round % 2 == 0}).ok());
    EXPECT_EQ(TakeOutput(session_), ScriptedRecord("hello"));
    ASSERT_TRUE(Feed(session_, ScriptedRecord("done") + ScriptedRecord("data:" + number)).ok());
    EXPECT_EQ(ReadAll(session_), "tls:" + number);
    ASSERT_TRUE(session_.Detach().ok());
    EXPECT_EQ(TakeOutput(session_), ScriptedRecord("close"));
    ASSERT_TRUE(Feed(session_, ScriptedRecord("close") + number).ok());
    EXPECT_EQ(ReadAll(session_), "detached raw:" + number);
    EXPECT_TRUE(journal_->destroyed);
  }
}

}  // namespace
}  // namespace detach
