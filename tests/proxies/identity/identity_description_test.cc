#include "proxies/identity/identity_description.h"

#include <gtest/gtest.h>

#include "tests/support/test_pki.h"

namespace detach {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;

const TestAuthority& Root() {
  static const TestAuthority root("Root");
  return root;
}

StoredIdentity Stored(const TestCertificate& certificate) {
  return {certificate.identity(), {"file:/ids/a.pem", "file:/ids/a.p12"}};
}

// Line returns what stands behind `label`.
std::string Line(const std::string& text, const std::string& label) {
  const std::size_t begin = text.find("\n  " + label + ' ');
  if (begin == std::string::npos) return "(no such line)";
  const std::size_t value = text.find_first_not_of(' ', begin + 3 + label.size());
  return text.substr(value, text.find('\n', value) - value);
}

TEST(IdentityDescriptionTest, SaysWhoseItIsAndWhereEachCopyOfItsKeyLies) {
  const TestCertificate alice = Root().Issue({"alice"});
  const std::string text = DescribeIdentity(Stored(alice));
  EXPECT_EQ(text.substr(0, text.find('\n')), "CN=alice");
  EXPECT_EQ(Line(text, "issuer"), "CN=Root");
  EXPECT_EQ(Line(text, "key"), "EC, P-256");
  std::string hex;
  for (const int byte : SpkiSha256(alice.leaf())) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += {kDigits[byte / 16], kDigits[byte % 16]};
  }
  EXPECT_EQ(Line(text, "SPKI-SHA256"), hex);
  EXPECT_NE(text.find("  key in       file:/ids/a.pem\n  key in       file:/ids/a.p12\n"),
            std::string::npos)
      << text;
}

TEST(IdentityDescriptionTest, SaysUntilWhenItIsValidAndWhetherItIsNow) {
  const StoredIdentity stored =
      Stored(Root().Issue({.common_name = "a", .not_before = hours(-2), .not_after = hours(2)}));
  const auto at = [&stored](hours later) {
    return Line(DescribeIdentity(stored, system_clock::now() + later), "valid until");
  };
  const std::string now = at(hours(0));
  EXPECT_TRUE(now.ends_with(" UTC")) << now;
  EXPECT_EQ(at(hours(3)), now + " (expired)");
  EXPECT_EQ(at(hours(-3)).find(now + " (not yet valid: from 20"), 0U);
}

TEST(IdentityDescriptionTest, SaysOfWhichKindAndSizeItsKeyIs) {
  const auto key = [](KeyType type) {
    return Line(DescribeIdentity(Stored(Root().Issue({.common_name = "a", .key = type}))), "key");
  };
  EXPECT_EQ(key(KeyType::kRsa2048), "RSA, 2048 bits");
  EXPECT_EQ(key(KeyType::kEcP384), "EC, P-384");
  EXPECT_EQ(key(KeyType::kEcP521), "EC, P-521");
  EXPECT_EQ(key(KeyType::kEd25519), "ED25519");
}

}  // namespace
}  // namespace detach
