#include "proxies/tunnel/host_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace detach {
namespace {

bool Matches(std::string_view pattern, std::string_view authority) {
  const auto parsed = HostPattern::Parse(pattern, PatternPort::kOptional);
  EXPECT_TRUE(parsed.ok()) << pattern << ": " << parsed.status().message();
  return parsed.ok() && parsed->Matches(*Authority::Parse(authority));
}

TEST(HostPatternTest, ANameMatchesItselfOnly) {
  EXPECT_TRUE(Matches("Wiki.corp.example:443", "wiki.CORP.example:443"));
  EXPECT_FALSE(Matches("wiki.corp.example:443", "wiki.corp.example:8443"));
  EXPECT_FALSE(Matches("wiki.corp.example:443", "a.wiki.corp.example:443"));
  EXPECT_FALSE(Matches("wiki.corp.example:443", "xwiki.corp.example:443"));
}

TEST(HostPatternTest, AStarMatchesOneOrMoreLabelsBelowAndNotTheDomainItself) {
  EXPECT_TRUE(Matches("*.corp.example:443", "wiki.corp.example:443"));
  EXPECT_TRUE(Matches("*.corp.example:443", "a.b.corp.example:443"));
  EXPECT_FALSE(Matches("*.corp.example:443", "corp.example:443"));
  EXPECT_FALSE(Matches("*.corp.example:443", "evilcorp.example:443"));
  EXPECT_FALSE(Matches("*.corp.example:443", "corp.example.evil:443"));
}

TEST(HostPatternTest, ANetworkMatchesAddressLiteralsOnly) {
  EXPECT_TRUE(Matches("10.1.0.0/16:8443", "10.1.2.3:8443"));
  EXPECT_FALSE(Matches("10.1.0.0/16:8443", "10.2.0.0:8443"));
  EXPECT_FALSE(Matches("10.1.0.0/16:8443", "10.1.2.3:443"));
  EXPECT_FALSE(Matches("0.0.0.0/0", "wiki.corp.example:443"));
  EXPECT_TRUE(Matches("10.1.2.3:443", "10.1.2.3:443"));
  EXPECT_TRUE(Matches("[2001:db8::]/32:443", "[2001:db8:1::1]:443"));
  EXPECT_FALSE(Matches("[2001:db8::]/32:443", "[2001:db9::1]:443"));
  EXPECT_FALSE(Matches("[::]/0:443", "10.1.2.3:443"));
}

TEST(HostPatternTest, WithoutAPortMatchesEveryPort) {
  EXPECT_TRUE(Matches("*.corp.example", "wiki.corp.example:1"));
  EXPECT_TRUE(Matches("wiki.corp.example", "wiki.corp.example:65535"));
  EXPECT_TRUE(Matches("[2001:db8::1]", "[2001:db8::1]:443"));
}

TEST(HostPatternTest, ReadsAndWritesCanonicalText) {
  for (const char* text : {"wiki.corp.example:443", "*.corp.example", "10.1.0.0/16:8443",
                           "[2001:db8::]/32:443", "[::1]/128"}) {
    const auto pattern = HostPattern::Parse(text, PatternPort::kOptional);
    ASSERT_TRUE(pattern.ok()) << text;
    EXPECT_EQ(pattern->ToString(), text);
  }
}

TEST(HostPatternTest, APortIsDemandedWhereItIsRequired) {
  for (const char* text : {"wiki.corp.example", "*.corp.example", "10.1.0.0/16", "[2001:db8::1]"}) {
    const auto pattern = HostPattern::Parse(text, PatternPort::kRequired);
    EXPECT_EQ(pattern.status().fault(), Fault::kMisuse) << text;
    EXPECT_NE(pattern.status().message().find("port"), std::string::npos);
  }
}

TEST(HostPatternTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "*",
                           "*:443",
                           "*.",
                           "*.:443",
                           "**.corp.example:443",
                           "*corp.example:443",
                           "wiki.*.example:443",
                           "*.*.example:443",
                           "*.10.1:443",
                           "*.[::1]:443",
                           ".corp.example:443",
                           "corp.example.:443",
                           "127.1:443",
                           "0x7f.0.0.1:443",
                           "10.1.0.1/16:443",
                           "10.1/16:443",
                           "2001:db8::/32:443",
                           "::1",
                           "[10.1.0.0]/16:443",
                           "[2001:db8::/32]:443",
                           "[::1:443",
                           "[]:443",
                           "[::]1:443",
                           "[::]1/128:443",
                           "[",
                           "[/",
                           "]:443",
                           "corp.example:",
                           "corp.example:0",
                           "corp.example:70000",
                           "corp.example:*",
                           "corp.example:https",
                           "a b:443",
                           "user@corp.example:443",
                           "https://corp.example:443",
                           "10.1.0.0/16/8:443"}) {
    const auto pattern = HostPattern::Parse(text, PatternPort::kOptional);
    EXPECT_EQ(pattern.status().fault(), Fault::kMisuse) << text;
  }
}

}  // namespace
}  // namespace detach
