#include "provider/keeper/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

namespace detach {
namespace {

// RFC 3339. Not by gmtime(3): that reads /etc/localtime, which the system call filter forbids.
std::string Now() {
  using std::chrono::floor;
  const auto now = floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto day = floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  std::array<char, 64> text = {};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
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
