#include "proxies/tunnel/blocking_step.h"

#include <asio/error_code.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <future>
#include <memory>
#include <utility>

namespace detach {
namespace {

class Step final : public ThreadRoom::Work {
 public:
  // `done` is cancelled on its executor when the step is over.
  Step(std::function<Status()> step, asio::steady_timer& done)
      : step_(std::move(step)), done_(done) {}

  void Run() override {
    Status status = Internal("a step has not been done");
    try {
      status = step_();
    } catch (const std::exception& error) {
      status = Internal(error.what());
    }
    asio::post(done_.get_executor(), [&done = done_] { done.cancel(); });
    result_.set_value(std::move(status));  // from here on, the timer may be gone
  }

  void Stop() override {}

  std::future<Status> result() { return result_.get_future(); }

 private:
  const std::function<Status()> step_;
  asio::steady_timer& done_;
  std::promise<Status> result_;
};

// Of a coroutine that is destroyed in the middle of a step: its variables outlive the step.
class WaitAtEnd {
 public:
  explicit WaitAtEnd(std::future<Status>& result) : result_(result) {}
  WaitAtEnd(const WaitAtEnd&) = delete;
  WaitAtEnd& operator=(const WaitAtEnd&) = delete;
  ~WaitAtEnd() {
    if (result_.valid()) result_.wait();
  }

 private:
  std::future<Status>& result_;
};

}  // namespace

asio::awaitable<Status> RunBlocking(ThreadRoom& room, std::function<Status()> step) {
  asio::steady_timer done(co_await asio::this_coro::executor,
                          asio::steady_timer::time_point::max());
  const auto work = std::make_shared<Step>(std::move(step), done);
  std::future<Status> result = work->result();
  if (const Status status = room.Start(work); !status.ok()) co_return status;
  const WaitAtEnd wait(result);
  asio::error_code ignored;
  co_await done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return result.get();
}

}  // namespace detach
