#include "bio/session/byte_queue.h"

#include <cassert>

namespace detach {

void ByteQueue::Append(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void ByteQueue::Pop(std::size_t count) noexcept {
  assert(count <= size());
  taken_ += count;
  if (taken_ < bytes_.size()) return;
  std::vector<std::uint8_t>().swap(bytes_);
  taken_ = 0;
}

}  // namespace detach
