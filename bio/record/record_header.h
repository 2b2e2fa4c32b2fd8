// The five bytes in front of every TLS record (RFC 9846 §5.1, RFC 5246 §6.2).
#ifndef DETACH_BIO_RECORD_RECORD_HEADER_H_
#define DETACH_BIO_RECORD_RECORD_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace detach {

enum class ContentType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
};

inline constexpr std::size_t kRecordHeaderSize = 5;

// RFC 5246 §6.2.3: "The length MUST NOT exceed 2^14 + 2048". TLS 1.3 allows 2^14 + 256; a stack
// that speaks it refuses the rest by itself.
inline constexpr std::size_t kMaxRecordBody = 16384 + 2048;
inline constexpr std::size_t kMaxRecordSize = kRecordHeaderSize + kMaxRecordBody;

struct RecordHeader {
  ContentType type;
  std::uint16_t version;  // 0x0303 for TLS 1.2 and 1.3
  std::uint16_t length;   // bytes behind the header

  std::size_t record_size() const noexcept { return kRecordHeaderSize + length; }
};

// ParseRecordHeader returns the header, or nullopt where no TLS record of any version from 1.0 on
// starts so: an unknown type, a version other than 0x03xx, a length beyond kMaxRecordBody.
constexpr std::optional<RecordHeader> ParseRecordHeader(
    std::span<const std::uint8_t, kRecordHeaderSize> bytes) noexcept {
  if (bytes[0] < 20 || bytes[0] > 23 || bytes[1] != 3) return std::nullopt;
  const RecordHeader header{static_cast<ContentType>(bytes[0]),
                            static_cast<std::uint16_t>(bytes[1] << 8 | bytes[2]),
                            static_cast<std::uint16_t>(bytes[3] << 8 | bytes[4])};
  if (header.length > kMaxRecordBody) return std::nullopt;
  return header;
}

}  // namespace detach

#endif  // DETACH_BIO_RECORD_RECORD_HEADER_H_
