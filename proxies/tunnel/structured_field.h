// Dictionaries of structured fields (RFC 9651), as much of them as the proxies' own fields need.
#ifndef DETACH_PROXIES_TUNNEL_STRUCTURED_FIELD_H_
#define DETACH_PROXIES_TUNNEL_STRUCTURED_FIELD_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bio/status.h"

namespace detach {

struct Token {
  std::string text;
  friend bool operator==(const Token&, const Token&) = default;
};
using ByteSequence = std::vector<std::uint8_t>;

// A member's value without its parameters; monostate stands for every type that no field of ours
// has (strings, decimals, dates, booleans, inner lists …).
using MemberValue = std::variant<std::monostate, std::int64_t, Token, ByteSequence>;
using Dictionary = std::map<std::string, MemberValue, std::less<>>;

// ParseDictionary parses a whole field value (RFC 9651 §4.2.2). Of several members with one key the
// last one counts. Parameters are checked and dropped. kViolation where the value is no dictionary:
// the field is then to be ignored as a whole (§4.2). Takes time and memory linear in text.size().
Result<Dictionary> ParseDictionary(std::string_view text);

// SerializeByteSequence returns `:base64:` (RFC 9651 §4.1.8).
std::string SerializeByteSequence(const std::uint8_t* bytes, std::size_t size);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_STRUCTURED_FIELD_H_
