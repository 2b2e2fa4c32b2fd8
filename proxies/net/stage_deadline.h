// StageDeadline: how long one stage of a connection may take.
#ifndef DETACH_PROXIES_NET_STAGE_DEADLINE_H_
#define DETACH_PROXIES_NET_STAGE_DEADLINE_H_

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bio/status.h"

namespace detach {

// StageDeadline cancels a stage that takes too long, and says afterwards that it did. One stage at
// a time; lives on one executor with what it cancels. A timer's own handler may be queued already
// when the timer is cancelled, and then runs; `cancel` does not run after Stop, nor after the
// destructor.
class StageDeadline {
 public:
  explicit StageDeadline(const asio::any_io_executor& executor) : timer_(executor) {}
  StageDeadline(const StageDeadline&) = delete;
  StageDeadline& operator=(const StageDeadline&) = delete;
  ~StageDeadline() { Stop(); }

  // Start bounds the stage called `stage` ("TLS handshake"): `cancel` runs when `limit` has passed
  // without Start or Stop. `cancel` must end every wait of the stage.
  void Start(std::string_view stage, std::chrono::milliseconds limit,
             std::function<void()> cancel) {
    Stop();
    state_ = std::make_shared<State>();
    state_->cancel = std::move(cancel);
    stage_ = stage;
    limit_ = limit;
    timer_.expires_after(limit);
    timer_.async_wait([state = state_](const asio::error_code& error) {
      if (error || !state->cancel) return;
      state->passed = true;
      std::exchange(state->cancel, nullptr)();  // which may Start anew
    });
  }

  void Stop() {
    if (state_) state_->cancel = nullptr;
    timer_.cancel();
  }

  // Explain returns `status`, or what it really was where the deadline caused it.
  Status Explain(Status status) const {
    if (status.ok() || !state_ || !state_->passed) return status;
    return Transport(stage_ + ": not done within " + std::to_string(limit_.count()) + " ms");
  }

  bool passed() const { return state_ && state_->passed; }

 private:
  // Outlives the StageDeadline in a handler that is already queued.
  struct State {
    std::function<void()> cancel;  // empty: stopped
    bool passed = false;
  };

  asio::steady_timer timer_;
  std::shared_ptr<State> state_;
  std::string stage_;
  std::chrono::milliseconds limit_{};
};

}  // namespace detach

#endif  // DETACH_PROXIES_NET_STAGE_DEADLINE_H_
