#include "provider/keeper/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "provider/keeper/utc_time.h"

namespace detach {
namespace {

// RFC 3339, with milliseconds.
std::string Now() {
  using std::chrono::floor;
  const auto now = floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto seconds = floor<std::chrono::seconds>(now);
  std::array<char, 8> fraction = {};
  std::snprintf(fraction.data(), fraction.size(), ".%03uZ",
                static_cast<unsigned>((now - seconds).count() % 1000));
  std::string text = UtcText(seconds);
  text.pop_back();
  return text + fraction.data();
}

}  // namespace

void LogEvent(std::string_view level, std::string_view event,
              std::initializer_list<LogField> fields) {
  const std::string line = "time=" + Now() + " level=" + std::string(level) + " " +
                           FormatEvent(LogFormat::kText, event, {fields.begin(), fields.size()}) +
                           "\n";
  // Where nobody reads the log the keeper still signs.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace detach
