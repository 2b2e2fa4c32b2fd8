#include "provider/keeper/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace detach {
namespace {

constexpr KeyId kKey = {1, 2, 3};

std::vector<Frame> OneOfEachType() {
  const std::vector<std::uint8_t> content(146, 0x20);
  return {
      {.type = FrameType::kListIdentity, .argument = 3},
      {.type = FrameType::kGetChain, .position = 70'000, .name = "reverse-proxy"},
      {.type = FrameType::kSignCertificateVerify,
       .argument = 0x0804,
       .name = std::string(kMaxIdentityName, 'a'),
       .key = kKey,
       .payload = content},
      {.type = FrameType::kSignTls12Digest,
       .argument = 0x0401,
       .name = "a",
       .key = kKey,
       .payload = std::vector<std::uint8_t>(32, 7)},
      {.type = FrameType::kIssue,
       .argument = 32,
       .name = "ca",
       .payload = std::vector<std::uint8_t>(500, 7)},
      {.type = FrameType::kListNotice, .argument = 1},
      {.type = FrameType::kIdentity,
       .argument = 2,
       .position = 9,
       .name = "a.b_c",
       .key = kKey,
       .payload = content},
      {.type = FrameType::kChain,
       .position = 5000,
       .name = "a",
       .payload = std::vector<std::uint8_t>(kMaxPayload, 255)},
      {.type = FrameType::kSignature, .name = "a", .payload = {1}},
      {.type = FrameType::kRefused, .argument = 5},
      {.type = FrameType::kIssued, .name = "ca", .payload = std::vector<std::uint8_t>(1500, 7)},
      {.type = FrameType::kNotice, .position = 3, .payload = content},
  };
}

bool IsRefused(const FrameBytes& bytes) { return !DecodeFrame(bytes).ok(); }

TEST(FrameTest, EveryTypeComesBackAsItWas) {
  for (const Frame& frame : OneOfEachType()) {
    const Result<Frame> decoded = DecodeFrame(EncodeFrame(frame));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(*decoded, frame);
  }
}

TEST(FrameTest, OfAnotherSizeIsRefused) {
  const FrameBytes whole = EncodeFrame({.type = FrameType::kListIdentity});
  std::vector<std::uint8_t> bytes(whole.begin(), whole.end());
  bytes.push_back(0);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(DecodeFrame(std::span(bytes).first(size)).ok(), size == kFrameSize) << size;
  }
}

TEST(FrameTest, OfAnUnknownVersionOrTypeIsRefused) {
  FrameBytes bytes = EncodeFrame({.type = FrameType::kListIdentity});
  for (int version = 0; version < 256; ++version) {
    bytes[0] = static_cast<std::uint8_t>(version);
    EXPECT_EQ(IsRefused(bytes), version != 1) << version;
  }
  int known = 0;
  bytes[0] = 1;
  for (int type = 0; type < 256; ++type) {
    bytes[1] = static_cast<std::uint8_t>(type);
    known += IsRefused(bytes) ? 0 : 1;
  }
  EXPECT_EQ(known, 4);  // list_identity, list_notice, notice and refused: all that may be empty
}

TEST(FrameTest, HasNoByteThatMeansNothing) {
  const FrameBytes good = EncodeFrame({.type = FrameType::kListIdentity});
  for (std::size_t i = 4; i < good.size(); ++i) {  // behind version, type and argument
    FrameBytes bytes = good;
    bytes[i] = 1;
    EXPECT_TRUE(IsRefused(bytes)) << i;
  }
}

TEST(FrameTest, HoldsNoMoreThanItsTypeMay) {
  const std::vector<std::uint8_t> content(146);
  Frame frame = {.type = FrameType::kSignCertificateVerify, .name = "a", .payload = content};
  const FrameBytes good = EncodeFrame(frame);
  EXPECT_FALSE(IsRefused(good));
  for (const int size : {0, 129, 147, 3988, 3989, 65535}) {
    FrameBytes bytes = good;
    bytes[8] = static_cast<std::uint8_t>(size >> 8);
    bytes[9] = static_cast<std::uint8_t>(size & 255);
    EXPECT_TRUE(IsRefused(bytes)) << size;
  }
}

TEST(FrameTest, CarriesOnlyNamesThatNeedNoQuoting) {
  for (const char* good : {"a", "0", "reverse-proxy", "a.b", "a_b"}) {
    EXPECT_TRUE(IsIdentityName(good)) << good;
  }
  for (const char* bad : {"", "A", ".", "a.", "-a", "a/b", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(IsIdentityName(bad)) << bad;
  }
  EXPECT_FALSE(IsIdentityName(std::string(kMaxIdentityName + 1, 'a')));
}

// Frames that are nearly right: what is taken is what its own encoding says.
TEST(FrameTest, AHundredThousandForgedFramesAreRefusedOrMeanWhatTheySay) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<Frame> frames = OneOfEachType();
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    FrameBytes bytes = EncodeFrame(frames[random() % frames.size()]);
    for (auto changes = random() % 4; changes > 0; --changes) {
      const bool in_header = random() % 2 == 0;
      bytes[random() % (in_header ? 12 : bytes.size())] = static_cast<std::uint8_t>(random());
    }
    const Result<Frame> decoded = DecodeFrame(bytes);
    if (!decoded.ok()) continue;
    ++taken;
    ASSERT_EQ(EncodeFrame(*decoded), bytes);
  }
  EXPECT_GT(taken, 1000);
  EXPECT_LT(taken, 99'000);
}

}  // namespace
}  // namespace detach
