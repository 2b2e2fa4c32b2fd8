#include "proxies/tunnel/blocking_step.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <asio/error_code.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace detach {
namespace {

using Descriptor = asio::posix::stream_descriptor;

class Step final : public ThreadRoom::Work {
 public:
  // `done`, an eventfd, becomes readable when the step is over.
  Step(std::function<Status()> step, int done) : step_(std::move(step)), done_(done) {}

  void Run() override {
    Status status = Internal("a step has not been done");
    try {
      status = step_();
    } catch (const std::exception& error) {
      status = Internal(error.what());
    }
    const std::uint64_t one = 1;
    // It never fails: an eventfd has room for more than one.
    [[maybe_unused]] const ssize_t written = ::write(done_, &one, sizeof one);
    result_.set_value(std::move(status));  // from here on, the descriptor may be closed
  }

  void Stop() override {}

  std::future<Status> result() { return result_.get_future(); }

 private:
  const std::function<Status()> step_;
  const int done_;
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

// The other thread says by an eventfd that it is done: a handler that it posted could meet an
// io_context that is being destroyed, which takes no lock.
asio::awaitable<Status> RunBlocking(ThreadRoom& room, std::function<Status()> step) {
  const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) co_return Internal(std::string("eventfd: ") + std::strerror(errno));
  Descriptor done(co_await asio::this_coro::executor, descriptor);
  const auto work = std::make_shared<Step>(std::move(step), descriptor);
  std::future<Status> result = work->result();
  if (const Status status = room.Start(work); !status.ok()) co_return status;
  const WaitAtEnd wait(result);
  asio::error_code ignored;
  co_await done.async_wait(Descriptor::wait_read,
                           asio::redirect_error(asio::use_awaitable, ignored));
  co_return result.get();
}

}  // namespace detach
