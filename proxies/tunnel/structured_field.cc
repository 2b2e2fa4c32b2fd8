#include "proxies/tunnel/structured_field.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace detach {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlpha(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z'); }
bool IsLowerHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsOneOf(char c, std::string_view set) { return set.find(c) != set.npos; }
bool IsTokenChar(char c) {  // RFC 9110 §5.6.2, and ":" and "/" (RFC 9651 §3.3.4)
  return IsAlpha(c) || IsDigit(c) || IsOneOf(c, "!#$%&'*+-.^_`|~:/");
}

// Strict base64 (RFC 4648 §4): whole quanta, padding only at the end, no bit unused but zero.
std::optional<ByteSequence> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  ByteSequence bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    const std::size_t digit = kBase64.find(c);
    if (digit == kBase64.npos) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  const bool zero_rest = (bits & ((1u << count) - 1)) == 0;
  if (!zero_rest) return std::nullopt;
  return bytes;
}

// The parsing algorithms of RFC 9651 §4.2, one member function each. Every one returns false, or
// nullopt, where the RFC says "fail parsing".
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Dictionary> ParseWhole() {
    Dictionary members;
    SkipSpaces();
    while (!rest_.empty()) {
      std::optional<std::string> key = ParseKey();
      if (!key) return std::nullopt;
      std::optional<MemberValue> value =
          Take('=') ? ParseItemOrInnerList() : ParseParameters(MemberValue());
      if (!value) return std::nullopt;
      members.insert_or_assign(*std::move(key), *std::move(value));
      if (!TakeSeparator()) return std::nullopt;
    }
    return members;
  }

 private:
  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <typename Predicate>
  std::string_view TakeWhile(Predicate predicate) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), predicate);
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void SkipSpaces() {
    TakeWhile([](char c) { return c == ' '; });
  }
  void SkipOptionalWhitespace() {
    TakeWhile([](char c) { return c == ' ' || c == '\t'; });
  }

  // Between members: OWS "," OWS; no comma at the end (§4.2.2).
  bool TakeSeparator() {
    SkipOptionalWhitespace();
    if (rest_.empty()) return true;
    if (!Take(',')) return false;
    SkipOptionalWhitespace();
    return !rest_.empty();
  }

  std::optional<std::string> ParseKey() {
    if (rest_.empty() || !(IsLower(rest_[0]) || rest_[0] == '*')) return std::nullopt;
    return std::string(
        TakeWhile([](char c) { return IsLower(c) || IsDigit(c) || IsOneOf(c, "_-.*"); }));
  }

  std::optional<MemberValue> ParseItemOrInnerList() {
    if (rest_.starts_with('(')) return ParseInnerList();
    return ParseParameters(ParseBareItem());
  }

  std::optional<MemberValue> ParseInnerList() {
    Take('(');
    while (!rest_.empty()) {
      SkipSpaces();
      if (Take(')')) return ParseParameters(MemberValue());
      if (!ParseParameters(ParseBareItem())) return std::nullopt;
      if (!rest_.starts_with(' ') && !rest_.starts_with(')')) return std::nullopt;
    }
    return std::nullopt;
  }

  // Returns `owner`, whose parameters these are, when they are well-formed (§4.2.3.2).
  std::optional<MemberValue> ParseParameters(std::optional<MemberValue> owner) {
    if (!owner) return std::nullopt;
    while (Take(';')) {
      SkipSpaces();
      if (!ParseKey()) return std::nullopt;
      if (Take('=') && !ParseBareItem()) return std::nullopt;
    }
    return owner;
  }

  std::optional<MemberValue> ParseBareItem() {
    if (rest_.empty()) return std::nullopt;
    const char first = rest_[0];
    if (first == '-' || IsDigit(first)) return ParseNumber();
    if (first == '"') return ParseString();
    if (first == '*' || IsAlpha(first)) return Token{std::string(TakeWhile(IsTokenChar))};
    if (first == ':') return ParseByteSequence();
    if (first == '?') return ParseBoolean();
    if (first == '@') return ParseDate();
    if (first == '%') return ParseDisplayString();
    return std::nullopt;
  }

  std::optional<MemberValue> ParseNumber() {
    const bool negative = Take('-');
    const std::string_view digits = TakeWhile(IsDigit);
    if (digits.empty()) return std::nullopt;
    if (Take('.')) {
      const std::string_view fraction = TakeWhile(IsDigit);
      if (digits.size() > 12 || fraction.empty() || fraction.size() > 3) return std::nullopt;
      return MemberValue();
    }
    if (digits.size() > 15) return std::nullopt;
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return MemberValue(negative ? -value : value);
  }

  std::optional<MemberValue> ParseString() {
    Take('"');
    while (!rest_.empty()) {
      TakeWhile([](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
      if (Take('"')) return MemberValue();
      if (!Take('\\') || !(Take('"') || Take('\\'))) return std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<MemberValue> ParseByteSequence() {
    Take(':');
    const std::string_view text = TakeWhile([](char c) { return c != ':'; });
    std::optional<ByteSequence> bytes = DecodeBase64(text);
    if (!Take(':') || !bytes) return std::nullopt;
    return MemberValue(*std::move(bytes));
  }

  std::optional<MemberValue> ParseBoolean() {
    Take('?');
    if (!Take('0') && !Take('1')) return std::nullopt;
    return MemberValue();
  }

  std::optional<MemberValue> ParseDate() {
    Take('@');
    const std::optional<MemberValue> number = ParseNumber();
    if (!number || !std::holds_alternative<std::int64_t>(*number)) return std::nullopt;
    return MemberValue();
  }

  // Whether the bytes are UTF-8 is not looked at: nothing of ours is a display string.
  std::optional<MemberValue> ParseDisplayString() {
    Take('%');
    if (!Take('"')) return std::nullopt;
    while (!rest_.empty()) {
      TakeWhile([](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '%'; });
      if (Take('"')) return MemberValue();
      if (!Take('%') || rest_.size() < 2) return std::nullopt;
      if (!IsLowerHex(rest_[0]) || !IsLowerHex(rest_[1])) return std::nullopt;
      rest_.remove_prefix(2);
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

}  // namespace

Result<Dictionary> ParseDictionary(std::string_view text) {
  std::optional<Dictionary> members = Parser(text).ParseWhole();
  if (!members) return Violation("the field is not a structured dictionary (RFC 9651)");
  return *std::move(members);
}

std::string SerializeByteSequence(const std::uint8_t* bytes, std::size_t size) {
  std::string text = ":";
  for (std::size_t i = 0; i < size; i += 3) {
    std::uint32_t quantum = 0;
    for (std::size_t j = 0; j < 3; ++j) quantum = quantum << 8 | (i + j < size ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j <= size ? kBase64[quantum >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text + ":";
}

}  // namespace detach
