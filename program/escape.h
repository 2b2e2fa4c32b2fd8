// Writing bytes that a stranger chose where a person or a program reads lines.
#ifndef DETACH_PROGRAM_ESCAPE_H_
#define DETACH_PROGRAM_ESCAPE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace detach {

// EscapeBytes returns `bytes` in printable ASCII: a backslash doubled, everything outside of
// 0x20–0x7e as \xNN, so that no line is broken, forged, or able to command a terminal. Of more than
// `cap` bytes it takes the first `cap` and says how many are left out.
std::string EscapeBytes(std::string_view bytes, std::size_t cap = 512);

}  // namespace detach

#endif  // DETACH_PROGRAM_ESCAPE_H_
