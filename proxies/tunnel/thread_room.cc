#include "proxies/tunnel/thread_room.h"

#include <exception>
#include <string>
#include <thread>
#include <utility>

namespace detach {

ThreadRoom::~ThreadRoom() {
  std::unique_lock lock(mutex_);
  for (const std::shared_ptr<Work>& work : running_) work->Stop();
  left_.wait(lock, [this] { return running_.empty(); });
}

Status ThreadRoom::Start(const std::shared_ptr<Work>& work) {
  {
    const std::lock_guard lock(mutex_);
    running_.insert(work);
  }
  try {
    std::thread([this, own = work]() mutable {
      own->Run();
      Leave(std::move(own));
    }).detach();
    return {};
  } catch (const std::exception& error) {  // of a thread, or of the memory for one
    Leave(work);
    return Internal(std::string("no thread: ") + error.what());
  }
}

// Behind this, the room may be gone: the work goes first.
void ThreadRoom::Leave(std::shared_ptr<Work> work) {
  const std::lock_guard lock(mutex_);
  running_.erase(work);
  work.reset();
  left_.notify_all();
}

}  // namespace detach
