// Points in time as they are written (RFC 3339), without the C library's time zones.
#ifndef DETACH_PROVIDER_KEEPER_UTC_TIME_H_
#define DETACH_PROVIDER_KEEPER_UTC_TIME_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace detach {

// UtcText returns "2026-11-23T10:00:00Z". Not by gmtime(3): that reads /etc/localtime, which the
// keeper's system call filter forbids.
std::string UtcText(std::chrono::sys_seconds time);

// ParseUtc reads exactly that form, of the years 1970 to 9999. Nothing for any other text.
std::optional<std::chrono::sys_seconds> ParseUtc(std::string_view text);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_UTC_TIME_H_
