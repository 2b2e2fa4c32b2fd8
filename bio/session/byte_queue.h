// Bytes in order: appended at the back, taken from the front.
#ifndef DETACH_BIO_SESSION_BYTE_QUEUE_H_
#define DETACH_BIO_SESSION_BYTE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace detach {

// ByteQueue holds memory only while it holds bytes: an idle connection has none.
class ByteQueue {
 public:
  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return bytes_.size() - taken_; }

  // front returns everything held. Valid until the next non-const call.
  std::span<const std::uint8_t> front() const noexcept { return std::span(bytes_).subspan(taken_); }

  // Append may throw std::bad_alloc, and then holds what it held before.
  void Append(std::span<const std::uint8_t> bytes);

  // Pop drops the first `count` bytes. Precondition: count <= size().
  void Pop(std::size_t count) noexcept;

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t taken_ = 0;  // 0 <= taken_ < bytes_.size(), or both are 0
};

}  // namespace detach

#endif  // DETACH_BIO_SESSION_BYTE_QUEUE_H_
