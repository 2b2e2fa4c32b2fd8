#include "program/log_format.h"

#include "program/escape.h"

namespace detach {
namespace {

// Quoted puts `text`, printable ASCII, in quotes. In JSON the escapes' own backslashes are escaped.
std::string Quoted(std::string_view text, bool json) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || (json && c == '\\')) out += '\\';
    out += c;
  }
  return out + '"';
}

std::string FormatText(LogFormat format, std::string_view bytes) {
  const std::string text = EscapeBytes(bytes);
  if (format == LogFormat::kJson) return Quoted(text, true);
  const bool plain = !text.empty() && text.find_first_of(" =\"") == std::string::npos;
  return plain ? text : Quoted(text, false);
}

std::string FormatValue(LogFormat format, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    return FormatText(format, *text);
  }
  if (const auto* truth = std::get_if<bool>(&field.value)) return *truth ? "true" : "false";
  return std::to_string(std::get<std::int64_t>(field.value));
}

std::string FormatField(LogFormat format, const LogField& field) {
  const std::string value = FormatValue(format, field);
  if (format == LogFormat::kJson) return Quoted(field.key, true) + ':' + value;
  return std::string(field.key) + '=' + value;
}

}  // namespace

std::string FormatEvent(LogFormat format, std::string_view event,
                        std::span<const LogField> fields) {
  const char separator = format == LogFormat::kJson ? ',' : ' ';
  std::string line = FormatField(format, {"event", event});
  for (const LogField& field : fields) line += separator + FormatField(format, field);
  return line;
}

}  // namespace detach
