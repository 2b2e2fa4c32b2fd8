// Whose fault an error is, that the first one stays, and what it leaves on the wire.
#include <gtest/gtest.h>

#include <string>

#include "tests/bio/session/session_fixture.h"

namespace detach {
namespace {

using SessionErrorsTest = SessionTest;

void ExpectLatched(TlsSession& session, Fault fault) {
  EXPECT_EQ(session.status().fault(), fault);
  EXPECT_EQ(ReadAll(session), "error:" + std::string(FaultName(fault)));
  EXPECT_EQ(WriteText(session, "x").fault(), fault);
  EXPECT_EQ(session.Detach().fault(), fault);
  EXPECT_EQ(session.UpdateKeys().fault(), fault);
  EXPECT_EQ(Feed(session, ScriptedRecord("close")).fault(), fault);
  EXPECT_EQ(session.ReceivedEnd().fault(), fault);
  EXPECT_EQ(session.Export("label", {}, 1).status().fault(), fault);
  EXPECT_EQ(session.status().fault(), fault);
}

// Hazard 4: a stack reports close_notify when it is asked again after a fatal alert.
TEST_F(SessionErrorsTest, TheFirstErrorIsLatchedForEver) {
  EnterTls();
  EXPECT_EQ(Peer("gibberish").fault(), Fault::kViolation);
  ExpectLatched(session_, Fault::kViolation);
}

TEST_F(SessionErrorsTest, AFailedBackendIsNeverCalledAgain) {
  EnterTls();
  EXPECT_EQ(Peer("gibberish").fault(), Fault::kViolation);
  const std::size_t calls = journal_->calls.size();
  ExpectLatched(session_, Fault::kViolation);
  EXPECT_EQ(journal_->calls.size(), calls);
}

// Rule 2: a close_notify behind an error proves nothing.
TEST_F(SessionErrorsTest, ACloseNotifyBehindAnErrorIsNoDetach) {
  EnterTls();
  EXPECT_EQ(Feed(session_, ScriptedRecord("gibberish") + ScriptedRecord("close") + "raw").fault(),
            Fault::kViolation);
  EXPECT_EQ(session_.state().receiving, Receiving::kTls);
  EXPECT_EQ(ReadAll(session_), "error:violation");
}

// Rule 2, hazard 6: anybody can write a close_notify before the keys are there.
TEST_F(SessionErrorsTest, ACloseNotifyInMidHandshakeIsAViolation) {
  ASSERT_TRUE(Upgrade().ok());
  EXPECT_EQ(Feed(session_, ScriptedRecord("close") + "raw").fault(), Fault::kViolation);
  ExpectLatched(session_, Fault::kViolation);
}

// Hazard 6: 0-RTT data is replayable, and no part of this library.
TEST_F(SessionErrorsTest, DataBeforeTheHandshakeIsDoneIsAViolation) {
  ASSERT_TRUE(Upgrade({.role = Role::kServer}).ok());
  EXPECT_EQ(Feed(session_, ScriptedRecord("data:early") + ScriptedRecord("hello")).fault(),
            Fault::kViolation);
  ExpectLatched(session_, Fault::kViolation);
}

TEST_F(SessionErrorsTest, AHandshakeThatIsDoneTwiceIsAViolation) {
  EnterTls();
  EXPECT_EQ(Peer("done").fault(), Fault::kViolation);
  ExpectLatched(session_, Fault::kViolation);
}

TEST_F(SessionErrorsTest, BytesThatAreNoRecordAreNamedInTheMessage) {
  ASSERT_TRUE(Upgrade({.role = Role::kServer}).ok());
  const Status status = Feed(session_, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(status.fault(), Fault::kViolation);
  ExpectLatched(session_, Fault::kViolation);
}

TEST_F(SessionErrorsTest, TheAlertOfAFailedBackendGoesOut) {
  EnterTls();
  EXPECT_EQ(Peer("gibberish").fault(), Fault::kViolation);
  EXPECT_EQ(TakeOutput(session_), ScriptedRecord("alert"));
}

TEST_F(SessionErrorsTest, ThePeersFatalAlertIsKnownAfterTheFailure) {
  ASSERT_TRUE(Upgrade().ok());
  EXPECT_EQ(session_.peer_alert(), std::nullopt);
  EXPECT_EQ(Peer("alert:45").fault(), Fault::kIncompatible);
  EXPECT_EQ(session_.peer_alert(), 45);
  ExpectLatched(session_, Fault::kIncompatible);
}

// Rule 3.
TEST_F(SessionErrorsTest, AnEndInsideARecordIsTruncation) {
  EnterTls();
  ASSERT_TRUE(Feed(session_, ScriptedRecord("close").substr(0, 7)).ok());
  EXPECT_EQ(session_.ReceivedEnd().fault(), Fault::kTruncated);
  ExpectLatched(session_, Fault::kTruncated);
}

TEST_F(SessionErrorsTest, WhatCameBeforeATruncationIsReadFirst) {
  EnterTls();
  ASSERT_TRUE(Feed(session_, ScriptedRecord("data:one") + ScriptedRecord("data:two")).ok());
  EXPECT_TRUE(session_.ReceivedEnd().ok());
  EXPECT_EQ(ReadAll(session_), "tls:onetwo error:truncated");
}

TEST_F(SessionErrorsTest, ACloseNotifyAndThenTheEndIsADetachThatWasRead) {
  EnterTls();
  ASSERT_TRUE(Feed(session_, ScriptedRecord("data:one") + ScriptedRecord("close") + "raw").ok());
  EXPECT_TRUE(session_.ReceivedEnd().ok());
  EXPECT_EQ(ReadAll(session_), "tls:one detached raw:raw end");
}

TEST_F(SessionErrorsTest, AnEndBeforeTheUpgradeIsTruncationOfTheHandshake) {
  ASSERT_TRUE(session_.ReceivedEnd().ok());
  EXPECT_EQ(Upgrade().fault(), Fault::kTruncated);
  ExpectLatched(session_, Fault::kTruncated);
}

class BackendFailureTest : public testing::TestWithParam<std::string> {};

TEST_P(BackendFailureTest, IsLatchedInWhateverCallItHappens) {
  TlsSession session;
  const ScriptedBackend::Script script{.fails_in = GetParam()};
  auto journal = std::make_shared<ScriptedBackend::Journal>();
  Status status = session.Upgrade(std::make_unique<ScriptedBackend>(script, journal));
  if (status.ok()) status = Feed(session, ScriptedRecord("done"));
  if (status.ok() && GetParam() == "Send") status = WriteText(session, "x");
  if (status.ok() && GetParam() == "UpdateKeys") status = session.UpdateKeys();
  if (status.ok()) status = session.Detach();
  EXPECT_EQ(status.fault(), Fault::kInternal);
  ExpectLatched(session, Fault::kInternal);
}

INSTANTIATE_TEST_SUITE_P(SessionErrorsTest, BackendFailureTest,
                         testing::Values("Start", "Receive", "Send", "SendCloseNotify",
                                         "UpdateKeys"));

}  // namespace
}  // namespace detach
