#include "proxies/identity/certificate_names.h"

#include <gtest/gtest.h>

#include "tests/support/test_pki.h"

namespace detach {
namespace {

Bytes Certificate(const std::string& common_name, const std::vector<std::string>& alt_names) {
  static const TestAuthority authority("Test CA");
  return authority.Issue({.common_name = common_name, .alt_names = alt_names}).leaf();
}

CertificateNames NamesOf(const Bytes& certificate) {
  const Result<CertificateNames> names = ReadCertificateNames(certificate);
  EXPECT_TRUE(names.ok()) << names.status().message();
  return names.ok() ? *names : CertificateNames();
}

bool Matches(const std::string& pattern, const CertificateNames& names) {
  const Result<ClientPattern> parsed = ClientPattern::Parse(pattern);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return parsed.ok() && parsed->Matches(names);
}

// The certificate with every "from" in it replaced by "to", of the same length. Its signature is
// then wrong, which is not this unit's concern.
Bytes Replaced(Bytes certificate, std::string_view from_text, std::string_view to) {
  const Bytes from(from_text.begin(), from_text.end());
  const auto at = std::search(certificate.begin(), certificate.end(), from.begin(), from.end());
  EXPECT_NE(at, certificate.end());
  std::copy(to.begin(), to.end(), at);
  return certificate;
}

TEST(CertificateNamesTest, ReadsEveryKindOfName) {
  const Bytes certificate = Certificate(
      "alice",
      {"URI:spiffe://corp.example/alice", "DNS:Alice.Corp.Example", "email:Alice@Corp.Example"});
  const CertificateNames names = NamesOf(certificate);
  EXPECT_EQ(names.subject, "CN=alice");
  EXPECT_EQ(names.issuer, "CN=Test CA");
  EXPECT_EQ(names.uris, std::vector<std::string>{"spiffe://corp.example/alice"});
  EXPECT_EQ(names.dns_names, std::vector<std::string>{"alice.corp.example"});
  EXPECT_EQ(names.emails, std::vector<std::string>{"Alice@corp.example"});
  EXPECT_EQ(names.spki_sha256.size(), 64U);
  EXPECT_LT(names.not_before, std::chrono::system_clock::now());
  EXPECT_GT(names.not_after, std::chrono::system_clock::now());
}

TEST(CertificateNamesTest, FingerprintIsThatOfTheKey) {
  const Bytes certificate = Certificate("alice", {});
  std::string hex;
  for (const std::uint8_t byte : SpkiSha256(certificate)) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  EXPECT_EQ(NamesOf(certificate).spki_sha256, hex);
  EXPECT_TRUE(Matches("SPKI-SHA256:" + hex, NamesOf(certificate)));
  hex.back() = hex.back() == '0' ? '1' : '0';
  EXPECT_FALSE(Matches("SPKI-SHA256:" + hex, NamesOf(certificate)));
}

TEST(CertificateNamesTest, PatternsMatchTheirKindOfNameOnly) {
  const CertificateNames names =
      NamesOf(Certificate("alice", {"URI:spiffe://corp.example/alice", "DNS:alice.corp.example",
                                    "email:Alice@corp.example"}));
  for (const char* pattern : {"*", "URI:spiffe://corp.example/alice", "DNS:alice.corp.example",
                              "DNS:ALICE.corp.example", "EMAIL:Alice@CORP.example"}) {
    EXPECT_TRUE(Matches(pattern, names)) << pattern;
  }
  for (const char* pattern :
       {"URI:spiffe://corp.example/alic", "URI:spiffe://corp.example/alice2",
        "URI:SPIFFE://corp.example/alice", "DNS:corp.example", "DNS:x.alice.corp.example",
        "EMAIL:alice@corp.example", "EMAIL:Alice@example", "URI:alice.corp.example", "DNS:alice",
        "EMAIL:alice"}) {
    EXPECT_FALSE(Matches(pattern, names)) << pattern;
  }
}

TEST(CertificateNamesTest, TheCommonNameIsNeverCompared) {
  const CertificateNames names = NamesOf(Certificate("alice.corp.example", {}));
  EXPECT_FALSE(Matches("DNS:alice.corp.example", names));
  EXPECT_FALSE(Matches("URI:alice.corp.example", names));
  EXPECT_EQ(names.Identity(), "SPKI-SHA256:" + names.spki_sha256);
}

TEST(CertificateNamesTest, AWildcardInACertificateIsNoPattern) {
  const CertificateNames names = NamesOf(Certificate("x", {"DNS:*.corp.example"}));
  EXPECT_FALSE(Matches("DNS:alice.corp.example", names));
}

TEST(CertificateNamesTest, NamesWithStrangeBytesMatchNothing) {
  const Bytes good = Certificate("x", {"DNS:alice.example", "URI:x://alice.example/"});
  for (const std::string& bad : {std::string("alice\0example", 13), std::string("alice\nexample"),
                                 std::string("alice example"),
                                 std::string("alice\xc3"
                                             "example")}) {
    const Bytes once = Replaced(good, "alice.example", bad);
    const CertificateNames names = NamesOf(Replaced(once, "alice.example", bad));
    EXPECT_TRUE(names.dns_names.empty()) << names.dns_names.front();
    EXPECT_TRUE(names.uris.empty()) << names.uris.front();
    EXPECT_FALSE(Matches("DNS:alice", names));
  }
}

TEST(CertificateNamesTest, TheSubjectIsOneLineOfPrintableAscii) {
  const CertificateNames names = NamesOf(Certificate("al\nice, \x1b[31m\xc3\xa4", {}));
  EXPECT_EQ(names.subject, "CN=al\\0Aice\\, \\1B[31m\\C3\\A4");
}

TEST(CertificateNamesTest, ADamagedCertificateHasNoNames) {
  Bytes certificate = Certificate("alice", {"DNS:alice.example"});
  EXPECT_FALSE(ReadCertificateNames({}).ok());
  certificate.push_back(0);
  EXPECT_FALSE(ReadCertificateNames(certificate).ok());
  certificate.resize(certificate.size() / 2);
  EXPECT_FALSE(ReadCertificateNames(certificate).ok());
}

TEST(CertificateNamesTest, ADamagedSubjectAltNameIsNotTakenForNone) {
  const Bytes good = Certificate("x", {"DNS:alice.example"});
  // The GeneralName's length now reaches beyond its sequence.
  const Bytes bad = Replaced(good,
                             "\x82\x0d"
                             "alice",
                             "\x82\x7d"
                             "alice");
  EXPECT_FALSE(ReadCertificateNames(bad).ok());
}

TEST(CertificateNamesTest, IdentityIsTheFirstNameInTheFormOfAPattern) {
  const CertificateNames names =
      NamesOf(Certificate("x", {"email:a@b.example", "DNS:b.example", "URI:x://y"}));
  EXPECT_EQ(names.Identity(), "URI:x://y");
  EXPECT_TRUE(Matches(names.Identity(), names));
}

}  // namespace
}  // namespace detach
