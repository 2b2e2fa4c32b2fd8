#include "bio/record/record_gate.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>

namespace detach {

std::span<std::uint8_t> RecordGate::Prepare() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kChunk);
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held());
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.get() + end_, kChunk - end_};
}

void RecordGate::Commit(std::size_t size) noexcept {
  assert(size <= kChunk - end_);
  end_ += size;
}

std::size_t RecordGate::Append(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return 0;
  const std::span<std::uint8_t> space = Prepare();
  const std::size_t size = std::min(space.size(), bytes.size());
  std::memcpy(space.data(), bytes.data(), size);
  Commit(size);
  return size;
}

std::span<const std::uint8_t> RecordGate::Take(std::size_t size) noexcept {
  const std::span<const std::uint8_t> taken(buffer_.get() + begin_, size);
  begin_ += size;
  return taken;
}

std::span<const std::uint8_t> RecordGate::TakeRecord() noexcept {
  assert(at_boundary());
  if (held() < kRecordHeaderSize) return {};
  const std::span<const std::uint8_t, kRecordHeaderSize> bytes(buffer_.get() + begin_,
                                                               kRecordHeaderSize);
  const std::optional<RecordHeader> header = ParseRecordHeader(bytes);
  if (!header) return Take(kRecordHeaderSize);
  if (held() < header->record_size()) return {};
  return Take(header->record_size());
}

std::span<const std::uint8_t> RecordGate::TakeUpTo(std::size_t max) noexcept {
  if (body_left_ > 0) {
    const std::span<const std::uint8_t> body = Take(std::min({max, body_left_, held()}));
    body_left_ -= body.size();
    return body;
  }
  const std::span<const std::uint8_t> part =
      Take(std::min({max, kRecordHeaderSize - header_taken_, held()}));
  std::copy(part.begin(), part.end(), header_ + header_taken_);
  header_taken_ += part.size();
  if (header_taken_ == kRecordHeaderSize) {
    header_taken_ = 0;
    // A header that no record starts with has no body: the stack refuses it.
    if (const std::optional<RecordHeader> header = ParseRecordHeader(header_)) {
      body_left_ = header->length;
    }
  }
  return part;
}

std::span<const std::uint8_t> RecordGate::TakeRaw(std::size_t max) noexcept {
  assert(at_boundary());
  return Take(std::min(max, held()));
}

void RecordGate::Release() noexcept {
  if (held() > 0) return;
  begin_ = end_ = 0;
  buffer_.reset();
}

}  // namespace detach
