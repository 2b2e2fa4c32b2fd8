// Threads for what blocks: as many as there is work, and none outlives the room.
#ifndef DETACH_PROXIES_TUNNEL_THREAD_ROOM_H_
#define DETACH_PROXIES_TUNNEL_THREAD_ROOM_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>

#include "bio/status.h"

namespace detach {

// ThreadRoom runs blocking work, each in a thread of its own. Thread-safe.
class ThreadRoom {
 public:
  class Work {
   public:
    Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    virtual ~Work() = default;

    virtual void Run() = 0;
    // Stop makes Run return soon. On any thread, before Run or during it.
    virtual void Stop() = 0;
  };

  ThreadRoom() = default;
  ThreadRoom(const ThreadRoom&) = delete;
  ThreadRoom& operator=(const ThreadRoom&) = delete;
  // Stops all work, and waits for its end.
  ~ThreadRoom();

  // Start runs `work`. kInternal where there is no thread to be had.
  Status Start(const std::shared_ptr<Work>& work);

 private:
  void Leave(std::shared_ptr<Work> work);

  std::mutex mutex_;
  std::condition_variable left_;
  std::set<std::shared_ptr<Work>> running_;  // under mutex_
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_THREAD_ROOM_H_
