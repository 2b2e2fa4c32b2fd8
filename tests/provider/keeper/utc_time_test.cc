#include "provider/keeper/utc_time.h"

#include <gtest/gtest.h>

#include <string>

namespace detach {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

TEST(UtcTimeTest, IsReadAsItIsWritten) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-24T12:30:05Z",
                           "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    const auto time = ParseUtc(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(UtcText(*time), text);
  }
  EXPECT_EQ(ParseUtc("1970-01-02T00:00:01Z"), sys_seconds(seconds(86401)));
}

TEST(UtcTimeTest, IsNotReadInAnyOtherForm) {
  for (const char* text : {"", "2026-11-24", "2026-11-24T12:30:05", "2026-11-24T12:30:05+00:00",
                           "2026-11-24 12:30:05Z", "2026-11-24T12:30:05z", "2026-11-24T12:30:05ZZ",
                           "2026-11-24T12:30:60Z", "2026-11-24T24:00:00Z", "2026-11-24T12:60:00Z",
                           "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-00-10T00:00:00Z",
                           "2026-11-00T00:00:00Z", "1969-12-31T23:59:59Z", "2026-11-24T12:30:5 Z",
                           "+026-11-24T12:30:05Z"}) {
    EXPECT_FALSE(ParseUtc(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace detach
