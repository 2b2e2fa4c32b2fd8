// Memory that gives out when a test says so.
#ifndef DETACH_TESTS_SUPPORT_SCARCE_MEMORY_H_
#define DETACH_TESTS_SUPPORT_SCARCE_MEMORY_H_

namespace detach {

// ScarceMemory lets one `new` of this thread fail while it lives, that of any library too: the
// first one after `allocations` that succeed. One at a time in a thread.
class ScarceMemory {
 public:
  explicit ScarceMemory(int allocations);
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
  ~ScarceMemory();

  // GaveOut tells whether it has failed.
  static bool GaveOut();
};

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_SCARCE_MEMORY_H_
