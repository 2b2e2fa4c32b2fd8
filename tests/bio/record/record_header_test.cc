#include "bio/record/record_header.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace detach {
namespace {

using HeaderBytes = std::array<std::uint8_t, kRecordHeaderSize>;

TEST(RecordHeaderTest, ReadsTypeVersionAndLength) {
  const auto header = ParseRecordHeader(HeaderBytes{23, 3, 3, 0x01, 0x02});
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, ContentType::kApplicationData);
  EXPECT_EQ(header->version, 0x0303);
  EXPECT_EQ(header->length, 0x0102);
  EXPECT_EQ(header->record_size(), 0x0102u + 5);
}

TEST(RecordHeaderTest, TakesTheFourTypesOfTlsAndNoOther) {
  for (int type = 0; type < 256; ++type) {
    const HeaderBytes bytes{static_cast<std::uint8_t>(type), 3, 1, 0, 1};
    EXPECT_EQ(ParseRecordHeader(bytes).has_value(), type >= 20 && type <= 23) << type;
  }
}

TEST(RecordHeaderTest, TakesMajorVersionThreeOnly) {
  for (int major = 0; major < 256; ++major) {
    const HeaderBytes bytes{22, static_cast<std::uint8_t>(major), 1, 0, 1};
    EXPECT_EQ(ParseRecordHeader(bytes).has_value(), major == 3) << major;
  }
}

TEST(RecordHeaderTest, RefusesALengthBeyondTheLimitOfRfc5246) {
  EXPECT_TRUE(ParseRecordHeader(HeaderBytes{23, 3, 3, 0, 0}));
  EXPECT_TRUE(ParseRecordHeader(HeaderBytes{23, 3, 3, 0x48, 0x00}));
  EXPECT_FALSE(ParseRecordHeader(HeaderBytes{23, 3, 3, 0x48, 0x01}));
  EXPECT_FALSE(ParseRecordHeader(HeaderBytes{23, 3, 3, 0xff, 0xff}));
}

}  // namespace
}  // namespace detach
