#include "proxies/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace detach {
namespace {

constexpr const char* kTextPattern = "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

// One sink for each format: changing a logger's pattern while others write would tear lines.
std::shared_ptr<spdlog::logger> MakeLogger(const char* pattern) {
  auto logger =
      std::make_shared<spdlog::logger>("detach", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(pattern, spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::trace);
  return logger;
}

spdlog::logger& Logger(LogFormat format) {
  static const auto text = MakeLogger(kTextPattern);
  static const auto json = MakeLogger(kJsonPattern);
  return format == LogFormat::kJson ? *json : *text;
}

std::atomic<LogLevel> threshold_in_force = LogLevel::kInfo;
std::atomic<LogFormat> format_in_force = LogFormat::kText;

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void ConfigureLog(LogLevel threshold, LogFormat format) {
  threshold_in_force = threshold;
  format_in_force = format;
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < threshold_in_force.load()) return;
  const LogFormat format = format_in_force;
  const std::string line = FormatEvent(format, event, {fields.begin(), fields.size()});
  // The line is an argument, not the format: braces in it are only braces.
  Logger(format).log(SpdlogLevel(level), "{}", line);
}

}  // namespace detach
