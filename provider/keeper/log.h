// The keeper's log.
#ifndef DETACH_PROVIDER_KEEPER_LOG_H_
#define DETACH_PROVIDER_KEEPER_LOG_H_

#include <initializer_list>
#include <string_view>

#include "program/log_format.h"

namespace detach {

// LogEvent writes one line, in the form of the proxies' text log, to standard error: time (UTC),
// `level` ("info", "warning", "error"), `event` and `fields`.
void LogEvent(std::string_view level, std::string_view event,
              std::initializer_list<LogField> fields = {});

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_LOG_H_
