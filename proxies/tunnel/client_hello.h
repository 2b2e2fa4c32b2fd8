// Does a stream begin with a ClientHello?
#ifndef DETACH_PROXIES_TUNNEL_CLIENT_HELLO_H_
#define DETACH_PROXIES_TUNNEL_CLIENT_HELLO_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bio/record/record_header.h"

namespace detach {

// BeginsWithClientHello looks at the record header and the message type behind it (RFC 9846 §4):
// nullopt while `bytes` are a beginning of both but not the whole.
constexpr std::optional<bool> BeginsWithClientHello(std::span<const std::uint8_t> bytes) noexcept {
  constexpr std::size_t kNeeded = kRecordHeaderSize + 1;
  constexpr std::uint8_t kClientHello = 1;
  if (!bytes.empty() && bytes[0] != static_cast<std::uint8_t>(ContentType::kHandshake)) {
    return false;
  }
  if (bytes.size() < kNeeded) return std::nullopt;
  const std::optional<RecordHeader> header = ParseRecordHeader(bytes.first<kRecordHeaderSize>());
  return header && header->length > 0 && bytes[kRecordHeaderSize] == kClientHello;
}

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_CLIENT_HELLO_H_
