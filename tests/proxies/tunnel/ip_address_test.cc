#include "proxies/tunnel/ip_address.h"

#include <gtest/gtest.h>

namespace detach {
namespace {

TEST(IpAddressTest, ReadsAndWritesCanonicalText) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "2001:db8:0:1:1:1:1:1", "fe80::1", "ff02::fb"}) {
    const auto address = IpAddress::ParseCanonical(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(IpAddressTest, RefusesEveryOtherSpelling) {
  for (const char* text : {"",
                           "127.1",
                           "127.0.1",
                           "2130706433",
                           "0x7f.0.0.1",
                           "0x7f000001",
                           "0177.0.0.1",
                           "127.0.0.01",
                           "127.0.0.1.",
                           " 127.0.0.1",
                           "127.0.0.1 ",
                           "256.0.0.1",
                           "1.2.3.4.5",
                           "::0",
                           "0::1",
                           "2001:DB8::1",
                           "2001:0db8::1",
                           "2001:db8:0:0:0:0:0:1",
                           "1:2:3:4:5:6:7:8:9",
                           "fe80::1%eth0",
                           "fe80::1%1",
                           "[::1]",
                           ":::",
                           "localhost"}) {
    EXPECT_FALSE(IpAddress::ParseCanonical(text)) << text;
  }
  EXPECT_FALSE(IpAddress::ParseCanonical(std::string_view("127.0.0.1\0.evil", 15)));
}

TEST(IpAddressTest, RefusesIpv4AddressesInsideIpv6Text) {
  for (const char* text : {"::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::7f00:1"}) {
    EXPECT_FALSE(IpAddress::ParseCanonical(text)) << text;
  }
}

TEST(IpAddressTest, AMappedAddressFromAResolverIsTheIpv4Address) {
  const std::array<std::uint8_t, 16> mapped = {0, 0, 0,    0,    0,  0, 0, 0,
                                               0, 0, 0xff, 0xff, 10, 1, 2, 3};
  const IpAddress address(mapped);
  EXPECT_TRUE(address.is_ipv4());
  EXPECT_EQ(address.ToString(), "10.1.2.3");
  EXPECT_EQ(address, IpAddress::ParseCanonical("10.1.2.3"));
  EXPECT_EQ(address.ipv4(), (std::array<std::uint8_t, 4>{10, 1, 2, 3}));
}

}  // namespace
}  // namespace detach
