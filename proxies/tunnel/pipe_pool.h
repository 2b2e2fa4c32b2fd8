// Pipes for splice(2), lent out while bytes are in them.
#ifndef DETACH_PROXIES_TUNNEL_PIPE_POOL_H_
#define DETACH_PROXIES_TUNNEL_PIPE_POOL_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "bio/socket/unique_fd.h"

namespace detach {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
  std::size_t capacity = 0;  // bytes, if every slot holds a full page
};

// PipePool makes pipes on demand, at most `limit` in all, and keeps those given back. A pipe costs
// two descriptors and counts with its full capacity against the user's quota of pipe pages (64 MiB
// by default; beyond it the kernel makes pipes of two pages): hence a pool, and the limit.
// Any thread; a pipe may be given back by another than took it.
class PipePool {
 public:
  // What is asked of the kernel, and the least that is worth a splice. More than 256 KiB buys
  // nothing (docs/DECISIONS.md, Relay).
  static constexpr int kWantedCapacity = 256 * 1024;
  static constexpr int kLeastCapacity = 64 * 1024;

  explicit PipePool(std::size_t limit) : limit_(limit) {}

  // Take lends an empty pipe, non-blocking at both ends; null when none can be had: the limit is
  // reached, or the process or the user is out of descriptors or pipe pages.
  std::unique_ptr<Pipe> Take();

  // Give takes an empty pipe back.
  void Give(std::unique_ptr<Pipe> pipe);

  // Discard closes a lent pipe that still has bytes in it.
  void Discard(std::unique_ptr<Pipe> pipe);

 private:
  std::unique_ptr<Pipe> Make();

  const std::size_t limit_;
  std::mutex mutex_;      // guards what follows
  std::size_t made_ = 0;  // lent and idle together; made_ <= limit_
  // After the kernel refused a pipe, this many Takes go without asking it again: asking in vain
  // costs more than the copying that it was to save.
  unsigned refusals_left_ = 0;
  std::vector<std::unique_ptr<Pipe>> idle_;  // last in, first out: the warmest memory
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_PIPE_POOL_H_
