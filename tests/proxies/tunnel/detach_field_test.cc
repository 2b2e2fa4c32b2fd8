#include "proxies/tunnel/detach_field.h"

#include <gtest/gtest.h>

#include <string>

namespace detach {
namespace {

constexpr Binding kBinding = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr char kText[] = "v=1, when=covered, cb=:AAECAwQFBgcICQoLDA0ODw==:";

TEST(DetachFieldTest, WritesTheFieldOfTheProtocol) {
  EXPECT_EQ((DetachField{DetachMode::kCovered, kBinding}.Serialize()), kText);
  EXPECT_EQ((DetachField{DetachMode::kConnect, kBinding}.Serialize()),
            "v=1, when=connect, cb=:AAECAwQFBgcICQoLDA0ODw==:");
}

TEST(DetachFieldTest, ReadsWhatItWrites) {
  for (int first = 0; first < 256; ++first) {
    Binding binding = kBinding;
    binding[0] = static_cast<std::uint8_t>(first);
    binding[15] = static_cast<std::uint8_t>(255 - first);
    const DetachField field{first % 2 ? DetachMode::kConnect : DetachMode::kCovered, binding};
    const auto parsed = DetachField::Parse(field.Serialize());
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, field);
  }
}

TEST(DetachFieldTest, IgnoresUnknownKeysParametersOrderAndSpaces) {
  for (const char* text : {
           "cb=:AAECAwQFBgcICQoLDA0ODw==:,v=1,when=covered",
           "  v=1\t ,\t when=covered , cb=:AAECAwQFBgcICQoLDA0ODw==:  ",
           "v=1;x, when=covered;y=2;z=\"a,b\", cb=:AAECAwQFBgcICQoLDA0ODw==:;q=?0",
           "v=1, when=covered, cb=:AAECAwQFBgcICQoLDA0ODw==:, new, *a=1.5, b=\"\\\"\", c=?1,"
           "d=(1 \"x\" t;p=1);q, e=@1700000000, f=%\"%c3%bc\", g=-7, h=(), i=:YQ==:",
       }) {
    const auto parsed = DetachField::Parse(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
    EXPECT_EQ(*parsed, (DetachField{DetachMode::kCovered, kBinding}));
  }
}

TEST(DetachFieldTest, TheLastOfSeveralMembersWithOneKeyCounts) {
  const auto parsed = DetachField::Parse(std::string("v=9, when=connect, v=1, when=covered, ") +
                                         "cb=:AAECAwQFBgcICQoLDA0ODw==:");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->when, DetachMode::kCovered);
  EXPECT_FALSE(DetachField::Parse(std::string(kText) + ", v=2").ok());
  EXPECT_FALSE(DetachField::Parse(std::string(kText) + ", cb").ok());
}

TEST(DetachFieldTest, AnotherVersionOrModeIsIncompatible) {
  for (const char* text : {"v=2", "v=2, when=covered, cb=:AAECAwQFBgcICQoLDA0ODw==:", "v=-1", "v=0",
                           "v=1, when=later, cb=:AAECAwQFBgcICQoLDA0ODw==:"}) {
    EXPECT_EQ(DetachField::Parse(text).status().fault(), Fault::kIncompatible) << text;
  }
}

TEST(DetachFieldTest, MissingOrMistypedMembersAreViolations) {
  for (const char* text : {
           "",
           "v",
           "v=1",
           "v=1.0, when=covered, cb=:AAECAwQFBgcICQoLDA0ODw==:",
           "v=\"1\", when=covered, cb=:AAECAwQFBgcICQoLDA0ODw==:",
           "v=1, when=\"covered\", cb=:AAECAwQFBgcICQoLDA0ODw==:",
           "v=1, when=covered",
           "v=1, when=covered, cb=AAECAwQFBgcICQoLDA0ODw",
           "v=1, when=covered, cb=:AAECAwQFBgcICQoLDA0O:",
           "v=1, when=covered, cb=:AAECAwQFBgcICQoLDA0ODxA=:",
           "v=1, when=covered, cb=::",
       }) {
    EXPECT_EQ(DetachField::Parse(text).status().fault(), Fault::kViolation) << text;
  }
}

TEST(DetachFieldTest, WhatIsNoDictionaryIsAViolationWhateverElseItHolds) {
  for (const char* broken :
       {",",           ", ,",       ",,",           ", a=",         ", A=1",
        ", 1=1",       ", a=(1",    ", a=(1,2)",    ", a=(1\"x\")", ", a=\"x",
        ", a=\"\\x\"", ", a=:YQ==", ", a=:YQ=:",    ", a=:Y=Q=:",   ", a=:YR==:",
        ", a=:Y Q=:",  ", a=?2",    ", a=1.",       ", a=1.2345",   ", a=1234567890123456",
        ", a=-",       ", a=@1.5",  ", a=%\"%zz\"", ", a=%\"%C3\"", ", a=%x",
        ", a;=1",      ", a;B",     ", a b",        ", a=1 2",      ", a=\x01",
        "; a",         ";"}) {
    const std::string text = std::string(kText) + broken;
    const bool is_whole = DetachField::Parse(text).ok();
    // "; a" is a parameter of cb: the one that is well-formed.
    EXPECT_EQ(is_whole, std::string(broken) == "; a") << text;
  }
}

TEST(DetachFieldTest, EveryCutAndEveryChangedByteIsRefusedOrReadTheSame) {
  const std::string text = kText;
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(DetachField::Parse(text.substr(0, size)).ok()) << size;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = '\x7f';
    EXPECT_FALSE(DetachField::Parse(changed).ok()) << at;
  }
}

}  // namespace
}  // namespace detach
