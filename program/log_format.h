// How an event becomes a line of the log.
#ifndef DETACH_PROGRAM_LOG_FORMAT_H_
#define DETACH_PROGRAM_LOG_FORMAT_H_

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace detach {

enum class LogFormat {
  kText,  // key=value, quoted where needed
  kJson,  // one object per line
};

// LogField is one named value of an event. Keys are ours (lower case, underscores); a text may hold
// any bytes. Refers to both: it lives as long as the call that it is passed to.
struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text)
      : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, bool truth) : key(name), value(truth) {}
  template <std::integral T>
  LogField(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}

  std::string_view key;
  std::variant<std::string_view, std::int64_t, bool> value;
};

// FormatEvent returns `event` and its fields, escaped by EscapeBytes, as members of a JSON object
// without the braces, or as words. Time and level are the log's.
std::string FormatEvent(LogFormat format, std::string_view event, std::span<const LogField> fields);

}  // namespace detach

#endif  // DETACH_PROGRAM_LOG_FORMAT_H_
