// The bytes of one HTTP/1.1 header, before anybody looks at what they mean.
#ifndef DETACH_PROXIES_TUNNEL_HEADER_BLOCK_H_
#define DETACH_PROXIES_TUNNEL_HEADER_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace detach {

// HeaderBlock collects bytes up to and with the empty line that ends a header, and stops at the
// first byte that no parsers agree about: control characters and NUL, 8-bit characters, CR without
// LF, LF without CR, a folded line (RFC 9112 §2.2, §5.2). One thread at a time.
class HeaderBlock {
 public:
  // An attacker makes us hold no more than this. Browsers send some 300 bytes.
  static constexpr std::size_t kMaxSize = 8 * 1024;

  enum class State {
    kPartial,   // wants more bytes
    kComplete,  // text() ends with the empty line
    kBadByte,   // the byte behind text() must not be there
    kTooLong,   // kMaxSize bytes and no end
  };

  // Receive returns how many of `bytes` it took: all, or as many as it needed to leave kPartial.
  // Precondition: state() == kPartial.
  std::size_t Receive(std::span<const std::uint8_t> bytes);

  State state() const noexcept { return state_; }
  std::string_view text() const noexcept { return text_; }

  // Clear forgets the text and starts again.
  void Clear() noexcept;

 private:
  bool MayFollow(char c) const noexcept;

  std::string text_;
  State state_ = State::kPartial;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_HEADER_BLOCK_H_
