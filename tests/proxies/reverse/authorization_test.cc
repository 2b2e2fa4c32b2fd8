#include "proxies/reverse/authorization.h"

#include <gtest/gtest.h>

namespace detach {
namespace {

CertificateNames Client(const std::string& uri) {
  CertificateNames names;
  names.subject = "CN=alice";
  names.uris = {uri};
  names.spki_sha256 = std::string(64, '0');
  return names;
}

const CertificateNames kAlice = Client("spiffe://corp.example/alice");
const CertificateNames kBob = Client("spiffe://corp.example/bob");

AllowRow Row(std::string_view client, std::string_view destination,
             std::vector<Network> networks = {}, bool detach = true) {
  return {*ClientPattern::Parse(client),
          {*HostPattern::Parse(destination, PatternPort::kRequired)},
          std::move(networks),
          detach};
}

Authority To(std::string_view text) { return *Authority::Parse(text); }
IpAddress Ip(std::string_view text) { return *IpAddress::ParseCanonical(text); }

TEST(AuthorizationTest, WithoutARowNothingIsAllowed) {
  EXPECT_FALSE(Authorize({}, kAlice, To("wiki.corp.example:443")).ok());
}

TEST(AuthorizationTest, ClientHostAndPortMustBeThoseOfOneRow) {
  const std::vector<AllowRow> rows = {Row("URI:spiffe://corp.example/alice", "*.corp.example:443"),
                                      Row("URI:spiffe://corp.example/bob", "git.corp.example:22")};
  EXPECT_TRUE(Authorize(rows, kAlice, To("wiki.corp.example:443")).ok());
  EXPECT_TRUE(Authorize(rows, kBob, To("git.corp.example:22")).ok());
  EXPECT_FALSE(Authorize(rows, kAlice, To("wiki.corp.example:8443")).ok());
  EXPECT_FALSE(Authorize(rows, kAlice, To("corp.example:443")).ok());
  EXPECT_FALSE(Authorize(rows, kAlice, To("git.corp.example:22")).ok());
  EXPECT_FALSE(Authorize(rows, kBob, To("wiki.corp.example:443")).ok());
  EXPECT_FALSE(
      Authorize(rows, Client("spiffe://corp.example/alice2"), To("wiki.corp.example:443")).ok());
}

TEST(AuthorizationTest, TheFirstRowThatFitsDecides) {
  const std::vector<AllowRow> rows = {
      Row("*", "ftp.corp.example:990", {*Network::Parse("10.0.0.0/8")}, false),
      Row("URI:spiffe://corp.example/alice", "*.corp.example:990")};
  const Result<Grant> ftp = Authorize(rows, kAlice, To("ftp.corp.example:990"));
  ASSERT_TRUE(ftp.ok());
  EXPECT_EQ(ftp->row, 0U);
  EXPECT_FALSE(ftp->detach);
  const Result<Grant> other = Authorize(rows, kAlice, To("x.corp.example:990"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->row, 1U);
  EXPECT_TRUE(other->detach);
}

TEST(AuthorizationTest, NamesDoNotLeadToThisHostNorToTheLink) {
  const Result<Grant> grant =
      Authorize({Row("*", "wiki.corp.example:443")}, kAlice, To("wiki.corp.example:443"));
  ASSERT_TRUE(grant.ok());
  EXPECT_TRUE(grant->MayConnect(Ip("10.1.2.3")));
  EXPECT_TRUE(grant->MayConnect(Ip("2001:db8::1")));
  for (const char* forbidden : {"127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "::1",
                                "::", "fe80::1", "ff02::1"}) {
    EXPECT_FALSE(grant->MayConnect(Ip(forbidden))) << forbidden;
  }
}

TEST(AuthorizationTest, ListedNetworksAreTheOnlyOnesThatNamesLeadTo) {
  const std::vector<Network> networks = {*Network::Parse("10.0.0.0/8"),
                                         *Network::Parse("127.0.0.1/32")};
  const Result<Grant> grant =
      Authorize({Row("*", "wiki.corp.example:443", networks)}, kAlice, To("wiki.corp.example:443"));
  ASSERT_TRUE(grant.ok());
  EXPECT_TRUE(grant->MayConnect(Ip("10.1.2.3")));
  EXPECT_TRUE(grant->MayConnect(Ip("127.0.0.1")));
  EXPECT_FALSE(grant->MayConnect(Ip("192.0.2.1")));
  EXPECT_FALSE(grant->MayConnect(Ip("127.0.0.2")));
}

TEST(AuthorizationTest, AnAddressLiteralLeadsThereAndNowhereElse) {
  const Result<Grant> grant =
      Authorize({Row("*", "127.0.0.0/8:8443")}, kAlice, To("127.0.0.1:8443"));
  ASSERT_TRUE(grant.ok());
  EXPECT_TRUE(grant->MayConnect(Ip("127.0.0.1")));
  EXPECT_FALSE(grant->MayConnect(Ip("127.0.0.2")));
  EXPECT_FALSE(grant->MayConnect(Ip("10.0.0.1")));
}

TEST(AuthorizationTest, AddressesAreRefusedUnlessListedAsAddresses) {
  EXPECT_FALSE(Authorize({Row("*", "*.corp.example:443")}, kAlice, To("10.1.2.3:443")).ok());
}

TEST(AuthorizationTest, TheRefusalSaysWhoAndWhere) {
  const std::vector<AllowRow> rows = {Row("URI:spiffe://corp.example/alice", "a.example:443")};
  EXPECT_EQ(Authorize(rows, kBob, To("a.example:443")).status().message(),
            "no allow row is for the client URI:spiffe://corp.example/bob");
  EXPECT_EQ(Authorize(rows, kAlice, To("b.example:443")).status().message(),
            "no allow row for the client URI:spiffe://corp.example/alice has the destination "
            "b.example:443");
}

}  // namespace
}  // namespace detach
