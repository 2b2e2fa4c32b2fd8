#include "program/crypto/crypto_types.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <cstdint>
#include <vector>

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(SplitDerTest, TakesApartWhatStandsOneBehindTheOther) {
  const Bytes one = {0x30, 0x02, 0xaa, 0xbb};
  const Bytes empty = {0x30, 0x00};
  Bytes long_one = {0x30, 0x81, 0x80};
  long_one.resize(3 + 0x80);
  Bytes all;
  for (const Bytes& object : {one, empty, long_one}) {
    all.insert(all.end(), object.begin(), object.end());
  }
  EXPECT_EQ(SplitDer(all), (std::vector<Bytes>{one, empty, long_one}));
  EXPECT_EQ(SplitDer(one), std::vector<Bytes>{one});
  EXPECT_TRUE(SplitDer({}).empty());
}

TEST(SplitDerTest, GivesNothingWhereTheLastIsNotWhole) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 1);  // somebody else's
  for (const Bytes& bytes : {
           Bytes{0x30, 0x00, 0x30}, Bytes{0x30, 0x00, 0x30, 0x03, 0xaa, 0xbb},
           Bytes{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00},
           Bytes{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
           Bytes{0x30, 0x80, 0x00, 0x00},  // says not how long it is
       }) {
    EXPECT_TRUE(SplitDer(bytes).empty());
  }
  EXPECT_EQ(ERR_GET_LIB(ERR_get_error()), ERR_LIB_USER);
  EXPECT_EQ(ERR_get_error(), 0U);
}

}  // namespace
}  // namespace detach
