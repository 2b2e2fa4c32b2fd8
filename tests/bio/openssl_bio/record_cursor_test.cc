#include "bio/openssl_bio/record_cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace detach {
namespace {

std::vector<std::uint8_t> Record(std::size_t body) {
  std::vector<std::uint8_t> record = {23, 3, 3, static_cast<std::uint8_t>(body >> 8),
                                      static_cast<std::uint8_t>(body)};
  record.resize(kRecordHeaderSize + body, 0x16);
  return record;
}

TEST(RecordCursorTest, NeverNeedsAByteOfTheNextRecord) {
  for (const std::size_t step : {1, 2, 3, 5, 100'000}) {
    RecordCursor cursor;
    for (const std::size_t body : {1, 0, 5, 300, 18432}) {
      const std::vector<std::uint8_t> record = Record(body);
      std::size_t at = 0;
      do {
        const std::size_t size = std::min<std::size_t>(step, cursor.needed());
        ASSERT_LE(at + size, record.size());
        cursor.Advance(std::span(record).subspan(at, size));
        at += size;
        ASSERT_EQ(cursor.partial(), at % record.size());
      } while (cursor.partial() > 0);
      EXPECT_EQ(at, record.size());
    }
  }
}

TEST(RecordCursorTest, TakesWhatIsNoRecordForFiveBytes) {
  RecordCursor cursor;
  const std::uint8_t text[] = {'G', 'E', 'T', ' ', '/'};
  cursor.Advance(text);
  EXPECT_EQ(cursor.partial(), 0u);
  EXPECT_EQ(cursor.needed(), kRecordHeaderSize);
}

}  // namespace
}  // namespace detach
