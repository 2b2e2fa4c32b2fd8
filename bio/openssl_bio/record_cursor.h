// Where in a TLS record a reader stands that reads no byte too many.
#ifndef DETACH_BIO_OPENSSL_BIO_RECORD_CURSOR_H_
#define DETACH_BIO_OPENSSL_BIO_RECORD_CURSOR_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bio/record/record_header.h"

namespace detach {

class RecordCursor {
 public:
  // needed returns how many bytes the header in progress lacks, or behind it the body. At least 1.
  std::size_t needed() const noexcept {
    return (taken_ < kRecordHeaderSize ? kRecordHeaderSize : size_) - taken_;
  }

  // partial returns how many bytes of the record in progress were read; 0 at a record boundary.
  std::size_t partial() const noexcept { return taken_; }

  // Advance says that `bytes` were read, at most needed().
  void Advance(std::span<const std::uint8_t> bytes) noexcept {
    assert(bytes.size() <= needed());
    if (taken_ < kRecordHeaderSize) {
      std::copy(bytes.begin(), bytes.end(), header_ + taken_);
    }
    taken_ += bytes.size();
    if (taken_ == kRecordHeaderSize) {
      // Where no record begins so there is no body: TLS fails with the header.
      const std::optional<RecordHeader> header = ParseRecordHeader(header_);
      size_ = header ? header->record_size() : kRecordHeaderSize;
    }
    if (taken_ >= kRecordHeaderSize && taken_ == size_) taken_ = 0;
  }

 private:
  std::uint8_t header_[kRecordHeaderSize] = {};
  std::size_t taken_ = 0;  // 0 <= taken_ < size_ where size_ is known
  std::size_t size_ = 0;   // of the whole record; meaningful once taken_ >= kRecordHeaderSize
};

}  // namespace detach

#endif  // DETACH_BIO_OPENSSL_BIO_RECORD_CURSOR_H_
