#include "program/escape.h"

namespace detach {
namespace {

void AppendEscaped(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  if (byte == '\\') {
    out += "\\\\";
  } else if (byte >= 0x20 && byte <= 0x7e) {
    out += static_cast<char>(byte);
  } else {
    out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
}

}  // namespace

std::string EscapeBytes(std::string_view bytes, std::size_t cap) {
  std::string out;
  for (const char byte : bytes.substr(0, cap)) AppendEscaped(out, static_cast<unsigned char>(byte));
  if (bytes.size() > cap) out += "...(" + std::to_string(bytes.size() - cap) + " more)";
  return out;
}

}  // namespace detach
