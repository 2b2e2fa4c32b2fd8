#include "proxies/tunnel/header_block.h"

#include <cassert>

namespace detach {

bool HeaderBlock::MayFollow(char c) const noexcept {
  if (text_.ends_with('\r')) return c == '\n';
  if (c == '\r') return true;
  if (c == ' ') return !text_.ends_with('\n');  // obs-fold
  return c > ' ' && c <= '~';
}

std::size_t HeaderBlock::Receive(std::span<const std::uint8_t> bytes) {
  assert(state_ == State::kPartial);
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ == State::kPartial) {
    const char c = static_cast<char>(bytes[taken]);
    if (!MayFollow(c)) {
      state_ = State::kBadByte;
      break;
    }
    text_ += c;
    ++taken;
    if (text_.ends_with("\r\n\r\n")) {
      state_ = State::kComplete;
    } else if (text_.size() == kMaxSize) {
      state_ = State::kTooLong;
    }
  }
  return taken;
}

void HeaderBlock::Clear() noexcept {
  text_.clear();
  state_ = State::kPartial;
}

}  // namespace detach
