#include "proxies/tunnel/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace detach {
namespace {

constexpr unsigned kRefusalsAfterFailure = 64;

// Enlarge makes the pipe as large as the kernel lets it and returns its capacity.
int Enlarge(int fd) {
  const int enlarged = ::fcntl(fd, F_SETPIPE_SZ, PipePool::kWantedCapacity);
  return enlarged >= 0 ? enlarged : ::fcntl(fd, F_GETPIPE_SZ);
}

}  // namespace

std::unique_ptr<Pipe> PipePool::Take() {
  const std::lock_guard lock(mutex_);
  if (!idle_.empty()) {
    std::unique_ptr<Pipe> pipe = std::move(idle_.back());
    idle_.pop_back();
    return pipe;
  }
  if (made_ >= limit_) return nullptr;
  if (refusals_left_ > 0) {
    --refusals_left_;
    return nullptr;
  }
  std::unique_ptr<Pipe> pipe = Make();
  if (pipe) {
    ++made_;
  } else {
    refusals_left_ = kRefusalsAfterFailure;
  }
  return pipe;
}

void PipePool::Give(std::unique_ptr<Pipe> pipe) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(pipe));
}

void PipePool::Discard(std::unique_ptr<Pipe> pipe) {
  pipe.reset();
  const std::lock_guard lock(mutex_);
  --made_;
}

std::unique_ptr<Pipe> PipePool::Make() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  auto pipe = std::make_unique<Pipe>(Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])});
  const int capacity = Enlarge(ends[1]);
  if (capacity < kLeastCapacity) return nullptr;
  pipe->capacity = static_cast<std::size_t>(capacity);
  return pipe;
}

}  // namespace detach
