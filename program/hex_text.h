// Bytes as hex digits.
#ifndef DETACH_PROGRAM_HEX_TEXT_H_
#define DETACH_PROGRAM_HEX_TEXT_H_

#include <cstdint>
#include <span>
#include <string>

namespace detach {

// HexText returns two lower-case hex digits for each of `bytes`.
std::string HexText(std::span<const std::uint8_t> bytes);

}  // namespace detach

#endif  // DETACH_PROGRAM_HEX_TEXT_H_
