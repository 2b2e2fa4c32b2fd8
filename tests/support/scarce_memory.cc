#include "tests/support/scarce_memory.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr int kPlenty = -1;

thread_local int allocations_left = kPlenty;
thread_local bool gave_out = false;

void* Allocate(std::size_t size) {
  if (allocations_left > 0) {
    --allocations_left;
  } else if (allocations_left == 0) {
    allocations_left = kPlenty;
    gave_out = true;
    return nullptr;
  }
  return std::malloc(size == 0 ? 1 : size);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = Allocate(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace detach {

ScarceMemory::ScarceMemory(int allocations) {
  allocations_left = allocations;
  gave_out = false;
}

ScarceMemory::~ScarceMemory() { allocations_left = kPlenty; }

bool ScarceMemory::GaveOut() { return gave_out; }

}  // namespace detach
