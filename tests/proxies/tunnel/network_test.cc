#include "proxies/tunnel/network.h"

#include <gtest/gtest.h>

#include <string>

namespace detach {
namespace {

IpAddress Address(std::string_view text) { return *IpAddress::ParseCanonical(text); }
Network Net(std::string_view text) { return *Network::Parse(text); }

TEST(NetworkTest, ContainsWhatSharesItsPrefix) {
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Address("10.255.255.255")));
  EXPECT_FALSE(Net("10.0.0.0/8").Contains(Address("11.0.0.0")));
  EXPECT_TRUE(Net("192.0.2.128/25").Contains(Address("192.0.2.128")));
  EXPECT_FALSE(Net("192.0.2.128/25").Contains(Address("192.0.2.127")));
  EXPECT_TRUE(Net("192.0.2.1").Contains(Address("192.0.2.1")));
  EXPECT_FALSE(Net("192.0.2.1/32").Contains(Address("192.0.2.0")));
  EXPECT_TRUE(Net("2001:db8::/33").Contains(Address("2001:db8:7fff::1")));
  EXPECT_FALSE(Net("2001:db8::/33").Contains(Address("2001:db8:8000::")));
}

TEST(NetworkTest, OfOneFamilyContainsNothingOfTheOther) {
  EXPECT_TRUE(Net("0.0.0.0/0").Contains(Address("255.1.2.3")));
  EXPECT_FALSE(Net("0.0.0.0/0").Contains(Address("2001:db8::")));
  EXPECT_TRUE(Net("::/0").Contains(Address("ff02::1")));
  EXPECT_FALSE(Net("::/0").Contains(Address("127.0.0.1")));
}

TEST(NetworkTest, ReadsAndWritesCanonicalText) {
  for (const char* text :
       {"10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1/128", "1.2.3.4/32"}) {
    EXPECT_EQ(Net(text).ToString(), text);
  }
  EXPECT_EQ(Net("10.1.2.3").ToString(), "10.1.2.3/32");
}

TEST(NetworkTest, RefusesWhatAnOperatorCannotMean) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08",
                           "10.0.0.0/8x", "10.0.0.1/8", "10/8", "10.0.0.0/8/8", "2001:db8::1/32",
                           "2001:db8::/129", "[::]/0", "::ffff:10.0.0.0/104", "corp.example/8"}) {
    const auto network = Network::Parse(text);
    EXPECT_EQ(network.status().fault(), Fault::kMisuse) << text;
  }
}

TEST(ForbiddenByDefaultTest, IsThisHostTheLinkAndMulticast) {
  for (const char* text :
       {"127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1",
        "239.255.255.255", "255.255.255.255", "::", "::1", "fe80::1", "febf::1", "ff02::1"}) {
    EXPECT_TRUE(ForbiddenByDefault(Address(text))) << text;
  }
  for (const char* text :
       {"128.0.0.1", "126.255.255.255", "1.0.0.0", "10.0.0.1", "169.253.255.255", "169.255.0.0",
        "223.255.255.255", "192.168.0.1", "fec0::1", "fe7f::1", "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1", "fd00::1", "2001:db8::1", "100::"}) {
    EXPECT_FALSE(ForbiddenByDefault(Address(text))) << text;
  }
}

TEST(ForbiddenByDefaultTest, SeesThroughIpv6ThatCarriesIpv4) {
  std::array<std::uint8_t, 16> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  EXPECT_TRUE(ForbiddenByDefault(IpAddress(mapped)));
  std::array<std::uint8_t, 16> compatible = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1};
  EXPECT_TRUE(ForbiddenByDefault(IpAddress(compatible)));
  EXPECT_TRUE(ForbiddenByDefault(Address("64:ff9b::7f00:1")));
  EXPECT_TRUE(ForbiddenByDefault(Address("64:ff9b::a9fe:a9fe")));
}

}  // namespace
}  // namespace detach
