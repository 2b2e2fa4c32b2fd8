#include "proxies/tunnel/authority.h"

#include <gtest/gtest.h>

#include <string>

namespace detach {
namespace {

TEST(AuthorityTest, ReadsNamesInLowerCase) {
  const auto authority = Authority::Parse("Wiki.CORP.example:443");
  ASSERT_TRUE(authority.ok());
  EXPECT_EQ(authority->host, "wiki.corp.example");
  EXPECT_EQ(authority->port, 443);
  EXPECT_FALSE(authority->address);
  EXPECT_EQ(authority->ToString(), "wiki.corp.example:443");
}

TEST(AuthorityTest, ReadsCanonicalAddressLiterals) {
  const auto ipv4 = Authority::Parse("192.0.2.1:8443");
  ASSERT_TRUE(ipv4.ok());
  EXPECT_EQ(ipv4->address, IpAddress::ParseCanonical("192.0.2.1"));
  EXPECT_EQ(ipv4->ToString(), "192.0.2.1:8443");

  const auto ipv6 = Authority::Parse("[2001:DB8::1]:443");
  ASSERT_TRUE(ipv6.ok());
  EXPECT_EQ(ipv6->host, "2001:db8::1");
  EXPECT_EQ(ipv6->address, IpAddress::ParseCanonical("2001:db8::1"));
  EXPECT_EQ(ipv6->ToString(), "[2001:db8::1]:443");
}

TEST(AuthorityTest, TakesNamesThatOnlyLookUnusual) {
  for (const char* text :
       {"localhost:443", "a:1", "1.example:65535", "0x7f.example:443", "xn--bcher-kva.example:443",
        "_sip._tcp.example:443", "a--b.c-d:443", "127.0.0.1.example:443", "0xg:443"}) {
    const auto authority = Authority::Parse(text);
    EXPECT_TRUE(authority.ok()) << text;
    EXPECT_EQ(authority.ok() ? authority->ToString() : "", text);
  }
}

TEST(AuthorityTest, RefusesTheOddSpellingsOfAddresses) {
  for (const char* text : {"127.1:443",
                           "127.0.1:443",
                           "2130706434:443",
                           "0x7f000001:443",
                           "0x7F.0.0.1:443",
                           "0x:443",
                           "0177.0.0.1:443",
                           "127.0.0.01:443",
                           "0:443",
                           "127.0.0.1.:443",
                           "a.0x7f:443",
                           "a.1:443",
                           "::1:443",
                           "[::ffff:127.0.0.1]:443",
                           "[::127.0.0.1]:443",
                           "[127.0.0.1]:443",
                           "[::1:443",
                           "::1]:443",
                           "[fe80::1%25eth0]:443",
                           "[fe80::1%eth0]:443",
                           "[2001:db8:0::1]:443",
                           "[0::1]:443",
                           "[]:443",
                           "[a]:443",
                           "[v1.a]:443"}) {
    EXPECT_FALSE(Authority::Parse(text).ok()) << text;
  }
}

TEST(AuthorityTest, RefusesWhatIsNoHostName) {
  for (const char* text : {"",
                           ":",
                           ":443",
                           "a",
                           ".:443",
                           "a.:443",
                           ".a:443",
                           "a..b:443",
                           "-a:443",
                           "a-:443",
                           "a.-b.c:443",
                           "a b:443",
                           " a:443",
                           "user@a:443",
                           "a/b:443",
                           "http://a:443",
                           "a?:443",
                           "a#:443",
                           "b\303\274cher:443",
                           "a%2eb:443",
                           "a\t:443",
                           "a\r\nb:443",
                           "*.a:443",
                           "a:b:443"}) {
    EXPECT_FALSE(Authority::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(Authority::Parse(std::string_view("a\0b:443", 7)).ok());
}

TEST(AuthorityTest, RefusesPortsThatAreNotPlainNumbersInRange) {
  for (const char* text : {"a:", "a:0", "a:00", "a:0443", "a:65536", "a:99999999999", "a:-1",
                           "a:+1", "a: 443", "a:443 ", "a:0x1bb", "a:https", "a:443:"}) {
    EXPECT_FALSE(Authority::Parse(text).ok()) << text;
  }
}

TEST(AuthorityTest, HoldsTheLengthLimitsOfTheDns) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  ASSERT_EQ(longest.size(), 253u);
  EXPECT_TRUE(Authority::Parse(longest + ":443").ok());
  EXPECT_FALSE(Authority::Parse(longest + "b:443").ok());
  EXPECT_FALSE(Authority::Parse(label + "a:443").ok());
}

TEST(AuthorityTest, AMessageQuotesNothingThatCouldForgeALogLine) {
  const std::string hostile = "a\r\nb\x1b[31m" + std::string(500, 'x');
  const std::string message = Authority::Parse(hostile).status().message();
  EXPECT_EQ(message.find_first_of("\r\n\x1b"), message.npos);
  EXPECT_LT(message.size(), 200u);
}

}  // namespace
}  // namespace detach
