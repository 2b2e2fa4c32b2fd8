#include "proxies/tunnel/blocking_step.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace detach {
namespace {

class BlockingStepTest : public testing::Test {
 protected:
  // Run runs the step in a coroutine, and says in which thread it went on behind it.
  asio::awaitable<void> Run(std::function<Status()> step) {
    result_ = co_await RunBlocking(room_, std::move(step));
    went_on_in_ = std::this_thread::get_id();
  }

  void Spawn(std::function<Status()> step) {
    asio::co_spawn(*io_, Run(std::move(step)), asio::detached);
  }

  ThreadRoom room_;
  std::optional<asio::io_context> io_{std::in_place};
  std::optional<Status> result_;
  std::thread::id went_on_in_;
};

TEST_F(BlockingStepTest, GoesOnInItsOwnThreadWithWhatTheStepReturned) {
  std::thread::id step_in;
  Spawn([&] {
    step_in = std::this_thread::get_id();
    return Violation("what the step found");
  });
  io_->run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->message(), "what the step found");
  EXPECT_NE(step_in, std::this_thread::get_id());
  EXPECT_EQ(went_on_in_, std::this_thread::get_id());
}

TEST_F(BlockingStepTest, HoldsUpNothingElseOfItsThread) {
  std::promise<void> release;
  Spawn([&] {
    release.get_future().wait();
    return Status();
  });
  Spawn([&] {
    release.set_value();
    return Status();
  });
  io_->run();
  EXPECT_TRUE(result_ && result_->ok());
}

TEST_F(BlockingStepTest, AnExceptionIsAnError) {
  Spawn([]() -> Status { throw std::runtime_error("out of luck"); });
  io_->run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->fault(), Fault::kInternal);
  EXPECT_EQ(result_->message(), "out of luck");
}

TEST_F(BlockingStepTest, WhoDestroysTheCoroutineWaitsForTheStep) {
  std::promise<void> begun;
  std::promise<void> release;
  std::atomic<bool> over = false;
  Spawn([&] {
    begun.set_value();
    release.get_future().wait();
    over = true;
    return Status();
  });
  io_->poll();
  begun.get_future().wait();
  std::thread releasing([&] { release.set_value(); });
  io_.reset();
  EXPECT_TRUE(over);
  EXPECT_FALSE(result_);
  releasing.join();
}

}  // namespace
}  // namespace detach
