#include "bio/session/state_table.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace detach {
namespace {

constexpr State kRawRaw{Sending::kRaw, Receiving::kRaw};
constexpr State kHandshaking{Sending::kHandshake, Receiving::kHandshake};
constexpr State kTlsTls{Sending::kTls, Receiving::kTls};
constexpr State kRawTls{Sending::kRaw, Receiving::kTls};
constexpr State kTlsRaw{Sending::kTls, Receiving::kRaw};
constexpr State kClosingTls{Sending::kClosing, Receiving::kTls};
constexpr State kClosingRaw{Sending::kClosing, Receiving::kRaw};

struct Legal {
  State from;
  Event event;
  State to;
  Action action;
};

// The rule written down a second time: RFC 9846 §6.1 for half detach.
const std::vector<Legal>& Half() {
  static const std::vector<Legal> legal = {
      {kRawRaw, Event::kUpgrade, kHandshaking, Action::kNone},
      {kHandshaking, Event::kHandshakeDone, kTlsTls, Action::kNone},
      {kTlsTls, Event::kDetach, kRawTls, Action::kSendCloseNotify},
      {kTlsTls, Event::kCloseNotify, kTlsRaw, Action::kNone},
      {kTlsRaw, Event::kDetach, kRawRaw, Action::kSendCloseNotify},
      {kRawTls, Event::kCloseNotify, kRawRaw, Action::kNone},
  };
  return legal;
}

// RFC 5246 §7.2.1 for the quiesced detach.
const std::vector<Legal>& Quiesced() {
  static const std::vector<Legal> legal = {
      {kRawRaw, Event::kUpgrade, kHandshaking, Action::kNone},
      {kHandshaking, Event::kHandshakeDone, kTlsTls, Action::kNone},
      {kTlsTls, Event::kDetach, kClosingTls, Action::kSendCloseNotify},
      {kClosingTls, Event::kCloseNotify, kRawRaw, Action::kNone},
      {kTlsTls, Event::kCloseNotify, kClosingRaw, Action::kSendCloseNotify},
      {kClosingRaw, Event::kDetach, kRawRaw, Action::kNone},
  };
  return legal;
}

const Legal* Find(const std::vector<Legal>& table, State from, Event event) {
  for (const Legal& row : table) {
    if (row.from == from && row.event == event) return &row;
  }
  return nullptr;
}

class EveryStateAndEvent : public testing::TestWithParam<std::tuple<int, int, int, bool>> {
 protected:
  State from() const {
    return {static_cast<Sending>(std::get<0>(GetParam())),
            static_cast<Receiving>(std::get<1>(GetParam()))};
  }
  Event event() const { return static_cast<Event>(std::get<2>(GetParam())); }
  bool half() const { return std::get<3>(GetParam()); }
};

TEST_P(EveryStateAndEvent, LeadsWhereTheRfcsSay) {
  const Legal* expected = Find(half() ? Half() : Quiesced(), from(), event());
  const std::optional<Transition> row = FindTransition(from(), event(), half());
  ASSERT_EQ(row.has_value(), expected != nullptr);
  if (expected == nullptr) return;
  EXPECT_EQ(row->to, expected->to);
  EXPECT_EQ(row->action, expected->action);
  EXPECT_FALSE(row->why.empty());
}

INSTANTIATE_TEST_SUITE_P(StateTableTest, EveryStateAndEvent,
                         testing::Combine(testing::Range(0, 4), testing::Range(0, 3),
                                          testing::Range(0, 4), testing::Bool()));

TEST(StateTableTest, HasNoRowTwice) {
  std::set<std::tuple<Sending, Receiving, Event, Detachment>> seen;
  for (const Transition& row : kTransitions) {
    for (const Detachment kind : {Detachment::kHalf, Detachment::kQuiesced}) {
      if (row.detachment != Detachment::kAny && row.detachment != kind) continue;
      EXPECT_TRUE(seen.insert({row.from.sending, row.from.receiving, row.event, kind}).second)
          << row.why;
    }
  }
}

TEST(StateTableTest, SendsCloseNotifyExactlyOnceOnEveryWayFromTlsToRaw) {
  for (const bool half : {true, false}) {
    for (const Event first : {Event::kDetach, Event::kCloseNotify}) {
      const Event second = first == Event::kDetach ? Event::kCloseNotify : Event::kDetach;
      const auto one = FindTransition(kTlsTls, first, half);
      ASSERT_TRUE(one);
      const auto two = FindTransition(one->to, second, half);
      ASSERT_TRUE(two);
      EXPECT_EQ(two->to, kRawRaw);
      EXPECT_EQ(
          (one->action == Action::kSendCloseNotify) + (two->action == Action::kSendCloseNotify), 1);
    }
  }
}

TEST(StateTableTest, NamesEveryState) {
  for (const Transition& row : kTransitions) {
    EXPECT_NE(Name(row.from.sending), "?");
    EXPECT_NE(Name(row.from.receiving), "?");
    EXPECT_NE(Name(row.event), "?");
  }
}

}  // namespace
}  // namespace detach
