// The record gate: the one owner of the bytes that a transport has delivered and nobody has used.
#ifndef DETACH_BIO_RECORD_RECORD_GATE_H_
#define DETACH_BIO_RECORD_RECORD_GATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "bio/record/record_header.h"

namespace detach {

// RecordGate stands between a transport and a TLS stack. The owner reads from the transport in
// large chunks into the gate; the gate gives the stack never more than the record in progress. So
// whatever follows a close_notify record is still the gate's when the stack reports close_notify:
// the leftover, which belongs to the next protocol.
//
// Holds memory (kChunk bytes) only while it holds bytes or after Prepare. One thread at a time.
class RecordGate {
 public:
  // What one read from the transport asks for. 64 KiB: a quarter of the reads per byte of 16 KiB;
  // 256 KiB gains nothing more (docs/DECISIONS.md, "The gate's chunk").
  static constexpr std::size_t kChunk = 64 * 1024;

  // Prepare returns the free space that the transport may fill: empty when the gate is full, which
  // is the signal to stop reading. Valid until the next call of a non-const member. May throw
  // std::bad_alloc.
  std::span<std::uint8_t> Prepare();

  // Commit says that the transport wrote `size` bytes to the front of the prepared space.
  void Commit(std::size_t size) noexcept;

  // Append copies as much of `bytes` as fits and returns how much that was: Prepare and Commit for
  // an owner whose bytes already lie elsewhere.
  std::size_t Append(std::span<const std::uint8_t> bytes);

  // TakeRecord returns the next whole record, header included, and counts it as taken; empty when
  // less than a record is there. Where no TLS record can start so (ParseRecordHeader), returns the
  // five bytes themselves, for the stack to refuse. Valid until the next non-const call.
  // Precondition: at_boundary().
  std::span<const std::uint8_t> TakeRecord() noexcept;

  // TakeUpTo returns at most `max` bytes and never crosses a record boundary, nor the end of a
  // header: for a stack that asks for the header first and then for its length. Empty when nothing
  // is held. Valid until the next non-const call.
  std::span<const std::uint8_t> TakeUpTo(std::size_t max) noexcept;

  // TakeRaw returns at most `max` bytes without regard to records: the leftover. Valid until the
  // next non-const call. Precondition: at_boundary().
  std::span<const std::uint8_t> TakeRaw(std::size_t max) noexcept;

  // at_boundary reports whether every record begun has been taken to its end.
  bool at_boundary() const noexcept { return header_taken_ == 0 && body_left_ == 0; }

  // held returns the number of bytes delivered and not taken.
  std::size_t held() const noexcept { return end_ - begin_; }

  // Release frees the memory when nothing is held.
  void Release() noexcept;

 private:
  std::span<const std::uint8_t> Take(std::size_t size) noexcept;

  // Null, or kChunk bytes of which [begin_, end_) is held; 0 <= begin_ <= end_ <= kChunk.
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  // The record in progress, for TakeUpTo: the part of its header that was taken (0 to 4 bytes; at 5
  // the length is known and this returns to 0), and the bytes of its body that were not.
  std::uint8_t header_[kRecordHeaderSize] = {};
  std::size_t header_taken_ = 0;
  std::size_t body_left_ = 0;
};

}  // namespace detach

#endif  // DETACH_BIO_RECORD_RECORD_GATE_H_
