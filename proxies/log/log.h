// The log of the proxies: structured events, one line each, to standard error.
#ifndef DETACH_PROXIES_LOG_LOG_H_
#define DETACH_PROXIES_LOG_LOG_H_

#include <initializer_list>
#include <string_view>

#include "program/log_format.h"

namespace detach {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// ConfigureLog sets what is written from now on, and how. Before, it is kInfo and above, as text.
// On any thread.
void ConfigureLog(LogLevel threshold, LogFormat format);

// Log writes one line with the time (UTC, RFC 3339), the level, `event` (a word with underscores)
// and `fields`. Values are escaped and capped (EscapeBytes); keys, tokens and session secrets are
// the caller's to leave out. On any thread; lines do not mix. May block on standard error.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace detach

#endif  // DETACH_PROXIES_LOG_LOG_H_
