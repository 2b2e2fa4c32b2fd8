// Every state that a session reaches × everything that can happen there, against the state table.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "bio/session/tls_session.h"
#include "tests/support/scripted_backend.h"
#include "tests/support/session_driver.h"

namespace detach {
namespace {

constexpr State kRawRaw{Sending::kRaw, Receiving::kRaw};
constexpr State kHandshaking{Sending::kHandshake, Receiving::kHandshake};
constexpr State kTlsTls{Sending::kTls, Receiving::kTls};
constexpr State kRawTls{Sending::kRaw, Receiving::kTls};
constexpr State kTlsRaw{Sending::kTls, Receiving::kRaw};
constexpr State kClosingTls{Sending::kClosing, Receiving::kTls};
constexpr State kClosingRaw{Sending::kClosing, Receiving::kRaw};

class SessionInState {
 public:
  SessionInState(State state, bool half) : half_(half) {
    if (state == kRawRaw) return;
    EXPECT_TRUE(Upgrade().ok());
    TakeOutput(session);
    if (state == kHandshaking) return;
    EXPECT_TRUE(Peer("done").ok());
    const bool we_close = state == kRawTls || state == kClosingTls;
    const bool peer_closes = state == kTlsRaw || state == kClosingRaw;
    EXPECT_TRUE(!we_close || session.Detach().ok());
    EXPECT_TRUE(!peer_closes || Peer("close").ok());
    EXPECT_EQ(session.state(), state);
    TakeOutput(session);
    ReadAll(session);
  }

  Status Upgrade() {
    return session.Upgrade(
        std::make_unique<ScriptedBackend>(ScriptedBackend::Script{.half_detach = half_}, journal));
  }

  Status Peer(std::string_view word) { return Feed(session, ScriptedRecord(word)); }

  // Of what is possible at this moment the owner and the peer can do this.
  Status Do(Event event) {
    switch (event) {
      case Event::kUpgrade:
        return Upgrade();
      case Event::kDetach:
        return session.Detach();
      case Event::kHandshakeDone:
        return Peer("done");
      case Event::kCloseNotify:
        return Peer("close");
    }
    return Internal("no such event");
  }

  TlsSession session;
  std::shared_ptr<ScriptedBackend::Journal> journal = std::make_shared<ScriptedBackend::Journal>();

 private:
  const bool half_;
};

bool IsOwners(Event event) { return event == Event::kUpgrade || event == Event::kDetach; }

struct Reachable {
  State state;
  bool half;
};

const std::vector<Reachable>& ReachableStates() {
  static const std::vector<Reachable> states = {
      {kRawRaw, true},  {kHandshaking, true}, {kTlsTls, true},
      {kRawTls, true},  {kTlsRaw, true},      {kHandshaking, false},
      {kTlsTls, false}, {kClosingTls, false}, {kClosingRaw, false}};
  return states;
}

class EveryStateAndEvent : public testing::TestWithParam<std::tuple<Reachable, Event>> {
 protected:
  const State from_ = std::get<0>(GetParam()).state;
  const bool half_ = std::get<0>(GetParam()).half;
  const Event event_ = std::get<1>(GetParam());
};

void ExpectTransition(SessionInState& subject, const Transition& row, const Status& status) {
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(subject.session.state(), row.to);
  EXPECT_EQ(subject.session.has_tls(), row.to != kRawRaw);
  const std::string close = row.action == Action::kSendCloseNotify ? ScriptedRecord("close") : "";
  EXPECT_EQ(TakeOutput(subject.session),
            row.event == Event::kUpgrade ? ScriptedRecord("hello") : close);
}

// Misuse is refused, changes nothing, and spoils nothing.
void ExpectMisuse(SessionInState& subject, State from, const Status& status) {
  EXPECT_EQ(status.fault(), Fault::kMisuse);
  EXPECT_TRUE(subject.session.status().ok());
  EXPECT_EQ(subject.session.state(), from);
  EXPECT_TRUE(subject.session.Output().empty());
}

// What the peer must not do ends the session for good.
void ExpectViolation(SessionInState& subject, const Status& status) {
  EXPECT_EQ(status.fault(), Fault::kViolation);
  EXPECT_EQ(subject.session.status().fault(), Fault::kViolation);
  EXPECT_EQ(ReadAll(subject.session), "error:violation");
  EXPECT_EQ(subject.session.Detach().fault(), Fault::kViolation);
  EXPECT_TRUE(subject.session.Output().empty());
}

TEST_P(EveryStateAndEvent, DoesWhatTheTableSays) {
  SessionInState subject(from_, half_);
  // Nothing of a raw direction reaches a backend: these bytes are bytes.
  if (!IsOwners(event_) && from_.receiving == Receiving::kRaw) {
    ASSERT_TRUE(subject.Do(event_).ok());
    EXPECT_EQ(subject.session.state(), from_);
    EXPECT_EQ(ReadAll(subject.session).substr(0, 4), "raw:");
    return;
  }
  const Status status = subject.Do(event_);
  if (const auto row = FindTransition(from_, event_, half_)) {
    ExpectTransition(subject, *row, status);
  } else if (IsOwners(event_)) {
    ExpectMisuse(subject, from_, status);
  } else {
    ExpectViolation(subject, status);
  }
}

INSTANTIATE_TEST_SUITE_P(SessionStatesTest, EveryStateAndEvent,
                         testing::Combine(testing::ValuesIn(ReachableStates()),
                                          testing::Values(Event::kUpgrade, Event::kHandshakeDone,
                                                          Event::kDetach, Event::kCloseNotify)));

struct WriteCase {
  State state;
  bool half;
  std::string wire;  // what becomes of "hi"; empty: kMisuse
};

class WriteInEveryState : public testing::TestWithParam<WriteCase> {};

TEST_P(WriteInEveryState, TakesTheFormOfTheSendingDirectionOrIsMisuse) {
  SessionInState subject(GetParam().state, GetParam().half);
  const Status status = WriteText(subject.session, "hi");
  EXPECT_EQ(TakeOutput(subject.session), GetParam().wire);
  EXPECT_EQ(status.fault(), GetParam().wire.empty() ? Fault::kMisuse : Fault::kNone);
  EXPECT_TRUE(subject.session.status().ok());
}

INSTANTIATE_TEST_SUITE_P(SessionStatesTest, WriteInEveryState,
                         testing::Values(WriteCase{kRawRaw, true, "hi"},
                                         WriteCase{kHandshaking, true, ""},
                                         WriteCase{kTlsTls, true, ScriptedRecord("data:hi")},
                                         WriteCase{kTlsTls, false, ScriptedRecord("data:hi")},
                                         WriteCase{kRawTls, true, "hi"},
                                         WriteCase{kTlsRaw, true, ScriptedRecord("data:hi")},
                                         WriteCase{kClosingTls, false, ""},
                                         WriteCase{kClosingRaw, false, ""}));

class QuestionsInEveryState : public testing::TestWithParam<Reachable> {};

// Key updates, the exporter and the summary need a TLS connection that has been made.
TEST_P(QuestionsInEveryState, AreMisuseWithoutFinishedTls) {
  const State state = GetParam().state;
  SessionInState subject(state, GetParam().half);
  const bool made = state != kRawRaw && state != kHandshaking;
  EXPECT_EQ(subject.session.handshake_done(), made);
  EXPECT_EQ(subject.session.UpdateKeys().fault(),
            state.sending == Sending::kTls ? Fault::kNone : Fault::kMisuse);
  EXPECT_EQ(subject.session.Export("label", {}, 8).status().fault(),
            made ? Fault::kNone : Fault::kMisuse);
  EXPECT_EQ(subject.session.Summary().status().fault(), made ? Fault::kNone : Fault::kMisuse);
  EXPECT_TRUE(subject.session.status().ok());
}

INSTANTIATE_TEST_SUITE_P(SessionStatesTest, QuestionsInEveryState,
                         testing::ValuesIn(ReachableStates()));

class EndInEveryState : public testing::TestWithParam<Reachable> {};

// Rule 3: the transport's end is never a detach.
TEST_P(EndInEveryState, IsTruncationUntilTheReceivingDirectionIsRaw) {
  const State state = GetParam().state;
  SessionInState subject(state, GetParam().half);
  const Status status = subject.session.ReceivedEnd();
  if (state.receiving != Receiving::kRaw) {
    EXPECT_EQ(status.fault(), Fault::kTruncated);
    EXPECT_EQ(ReadAll(subject.session), "error:truncated");
    EXPECT_EQ(subject.session.Detach().fault(), Fault::kTruncated) << "latched";
  } else {
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(ReadAll(subject.session), "end");
    EXPECT_EQ(ReadAll(subject.session), "end") << "and again";
  }
  EXPECT_EQ(subject.session.state(), state);
}

INSTANTIATE_TEST_SUITE_P(SessionStatesTest, EndInEveryState, testing::ValuesIn(ReachableStates()));

}  // namespace
}  // namespace detach
