#include "proxies/tunnel/timer_wheel.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace detach {
namespace {

using Nodes = std::vector<TimerNode*>;

TEST(TimerWheelTest, ExpiresANodeAtItsTickAndNotBefore) {
  TimerWheel wheel(1000);
  TimerNode node;
  wheel.Set(node, 1010);
  EXPECT_EQ(Nodes(), wheel.Advance(1009));
  EXPECT_EQ(Nodes{&node}, wheel.Advance(1010));
  EXPECT_EQ(Nodes(), wheel.Advance(5000));
}

TEST(TimerWheelTest, ExpiresInOrderAllThatATimeJumpHasPassed) {
  TimerWheel wheel(0);
  TimerNode late, early, later;
  wheel.Set(late, 300);
  wheel.Set(early, 3);
  wheel.Set(later, 400);
  EXPECT_EQ((Nodes{&early, &late}), wheel.Advance(399));
  EXPECT_EQ(Nodes{&later}, wheel.Advance(1'000'000));
}

TEST(TimerWheelTest, TakesATickInThePastForTheNext) {
  TimerWheel wheel(1000);
  TimerNode node;
  wheel.Set(node, 7);
  EXPECT_EQ(1001u, wheel.Next());
  EXPECT_EQ(Nodes{&node}, wheel.Advance(1001));
}

TEST(TimerWheelTest, ExpiresWhatLiesBeyondItsHorizonEarly) {
  TimerWheel wheel(1000);
  TimerNode node;
  wheel.Set(node, 1'000'000);
  ASSERT_TRUE(wheel.Next().has_value());
  EXPECT_LT(*wheel.Next(), 1'000'000u);
  EXPECT_EQ(Nodes{&node}, wheel.Advance(*wheel.Next()));
}

TEST(TimerWheelTest, SaysWhenToLookNext) {
  TimerWheel wheel(1000);
  TimerNode first, second;
  EXPECT_EQ(std::nullopt, wheel.Next());
  wheel.Set(second, 1200);
  wheel.Set(first, 1100);
  EXPECT_EQ(1100u, wheel.Next());
  wheel.Advance(1100);
  EXPECT_EQ(1200u, wheel.Next());
  wheel.Advance(1200);
  EXPECT_EQ(std::nullopt, wheel.Next());
}

TEST(TimerWheelTest, ForgetsACancelledNode) {
  TimerWheel wheel(0);
  TimerNode cancelled, kept;
  wheel.Set(cancelled, 10);
  wheel.Set(kept, 10);
  wheel.Cancel(cancelled);
  wheel.Cancel(cancelled);
  EXPECT_EQ(Nodes{&kept}, wheel.Advance(10));
  EXPECT_EQ(std::nullopt, wheel.Next());
}

TEST(TimerWheelTest, ANodeCanBeSetAgainAfterItExpired) {
  TimerWheel wheel(0);
  TimerNode node;
  for (TimerWheel::Tick tick = 511; tick < 100'000; tick += 511) {
    wheel.Set(node, tick);
    EXPECT_EQ(Nodes{&node}, wheel.Advance(tick));
  }
}

}  // namespace
}  // namespace detach
