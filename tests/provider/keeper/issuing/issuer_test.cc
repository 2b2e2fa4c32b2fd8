#include "provider/keeper/issuing/issuer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/provider/keeper/issuing/certificate_requests.h"
#include "tests/provider/keeper/issuing/issuing_case.h"

namespace detach {
namespace {

using std::chrono::hours;
using Clock = IssuingCase::Clock;

const std::string kToken = "0123456789abcdef";
const std::string kAlice = "URI:spiffe://corp.example/alice";

std::vector<std::uint8_t> Request(const WantedExtensions& wanted = {}) {
  const PkeyPtr key = NewKey("P-256");
  return NewRequest(key.get(), key.get(), wanted);
}

std::string Extension(X509* certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate, nid, -1);
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (at < 0) return "none";
  X509_EXTENSION* extension = X509_get_ext(certificate, at);
  X509V3_EXT_print(text.get(), extension, 0, 0);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return (X509_EXTENSION_get_critical(extension) == 1 ? "critical, " : "") +
         std::string(bytes, static_cast<std::size_t>(size));
}

// Verifies as a server would that trusts the CA.
int Verify(const std::vector<std::uint8_t>& leaf, const Bytes& authority) {
  const X509Ptr certificate = ParseCertificate(leaf);
  const X509Ptr anchor = ParseCertificate(authority);
  const TrustStorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), anchor.get());
  const std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>> context(
      X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_X509_STRICT);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

class IssuerTest : public ::testing::Test {
 protected:
  IssuerTest() { case_.Add(kToken, kAlice, Clock::now() + hours(1)); }

  static void ExpectFault(const Result<IssuedCertificate>& issued, Fault fault,
                          const std::string& why) {
    ASSERT_FALSE(issued.ok());
    EXPECT_EQ(issued.status().fault(), fault);
    EXPECT_NE(issued.status().message().find(why), std::string::npos) << issued.status().message();
  }

  IssuingCase case_;
};

TEST_F(IssuerTest, WritesTheCertificateOfTheTokensName) {
  const auto now = std::chrono::floor<std::chrono::seconds>(Clock::now());
  const Result<IssuedCertificate> issued = case_.Make()->Issue(AsBytes(kToken), Request(), now);
  ASSERT_TRUE(issued.ok()) << issued.status().message();
  EXPECT_EQ(issued->name, kAlice);
  EXPECT_EQ(issued->not_after, now + hours(12));
  const X509Ptr certificate = ParseCertificate(issued->der);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(certificate.get())), 0);
  EXPECT_EQ(Extension(certificate.get(), NID_subject_alt_name), "critical, " + kAlice);
  EXPECT_EQ(Extension(certificate.get(), NID_basic_constraints), "critical, CA:FALSE");
  EXPECT_EQ(Extension(certificate.get(), NID_key_usage), "critical, Digital Signature");
  EXPECT_EQ(Extension(certificate.get(), NID_ext_key_usage), "TLS Web Client Authentication");
  EXPECT_EQ(X509_get_ext_count(certificate.get()), 6);
  EXPECT_EQ(Verify(issued->der, case_.authority().certificate()), X509_V_OK);
}

TEST_F(IssuerTest, WritesNamesOfEachKind) {
  for (const std::string& name : {std::string("DNS:host.example"), std::string("EMAIL:a@b.example"),
                                  std::string("URI:urn:x,DNS:evil.example")}) {
    case_.Add("of " + name + " 0123456789", name, Clock::now() + hours(1));
    const Result<IssuedCertificate> issued =
        case_.Make()->Issue(AsBytes("of " + name + " 0123456789"), Request(), Clock::now());
    ASSERT_TRUE(issued.ok()) << issued.status().message();
    const X509Ptr certificate = ParseCertificate(issued->der);
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
    EXPECT_EQ(sk_GENERAL_NAME_num(names), 1) << name;
    GENERAL_NAMES_free(names);
  }
}

TEST_F(IssuerTest, TakesOfARequestTheKeyAlone) {
  const PkeyPtr key = NewKey("RSA-2048");
  const auto request = NewRequest(key.get(), key.get(),
                                  {{NID_basic_constraints, "critical,CA:TRUE"},
                                   {NID_key_usage, "critical,keyCertSign"},
                                   {NID_subject_alt_name, "URI:spiffe://corp.example/root"},
                                   {NID_ext_key_usage, "serverAuth"}});
  const auto issued = case_.Make()->Issue(AsBytes(kToken), request, Clock::now());
  ASSERT_TRUE(issued.ok()) << issued.status().message();
  const X509Ptr certificate = ParseCertificate(issued->der);
  EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), key.get()), 1);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0);
  EXPECT_EQ(Extension(certificate.get(), NID_subject_alt_name), "critical, " + kAlice);
  EXPECT_EQ(Extension(certificate.get(), NID_ext_key_usage), "TLS Web Client Authentication");
  EXPECT_EQ(X509_get_ext_count(certificate.get()), 6);
}

TEST_F(IssuerTest, TakesATokenOnceAlsoWhenItIsStartedAgain) {
  const auto issuer = case_.Make();
  EXPECT_TRUE(issuer->Issue(AsBytes(kToken), Request(), Clock::now()).ok());
  ExpectFault(issuer->Issue(AsBytes(kToken), Request(), Clock::now()), Fault::kIncompatible,
              "spent");
  ExpectFault(case_.Make()->Issue(AsBytes(kToken), Request(), Clock::now()), Fault::kIncompatible,
              "spent");
}

TEST_F(IssuerTest, TakesNoTokenThatItDoesNotKnow) {
  case_.Add("short", kAlice, Clock::now() + hours(1));
  const auto issuer = case_.Make();
  for (const std::string& token : {std::string(), std::string("short"), kToken + "0",
                                   kToken.substr(1), std::string("another token of its size")}) {
    ExpectFault(issuer->Issue(AsBytes(token), Request(), Clock::now()), Fault::kIncompatible,
                "unknown");
  }
}

TEST_F(IssuerTest, LooksAtNoRequestWithoutAToken) {
  ExpectFault(case_.Make()->Issue(AsBytes(kToken + "0"), AsBytes("no request"), Clock::now()),
              Fault::kIncompatible, "unknown");
}

TEST_F(IssuerTest, LooksAtNoRequestWithASpentToken) {
  const auto issuer = case_.Make();
  const auto other = case_.Make();
  EXPECT_TRUE(issuer->Issue(AsBytes(kToken), Request(), Clock::now()).ok());
  for (const auto& asked : {issuer, other}) {
    ExpectFault(asked->Issue(AsBytes(kToken), AsBytes("no request"), Clock::now()),
                Fault::kIncompatible, "spent");
  }
}

TEST_F(IssuerTest, TakesNoTokenBehindItsEnd) {
  const auto issuer = case_.Make();
  ExpectFault(issuer->Issue(AsBytes(kToken), Request(), Clock::now() + hours(1)),
              Fault::kIncompatible, "expired");
  EXPECT_TRUE(
      issuer->Issue(AsBytes(kToken), Request(), Clock::now() + std::chrono::minutes(59)).ok());
}

TEST_F(IssuerTest, ABadRequestSpendsNoToken) {
  const auto issuer = case_.Make();
  const PkeyPtr key = NewKey("P-256");
  const PkeyPtr other = NewKey("P-256");
  ExpectFault(issuer->Issue(AsBytes(kToken), NewRequest(key.get(), other.get()), Clock::now()),
              Fault::kViolation, "not signed by its own key");
  EXPECT_TRUE(issuer->Issue(AsBytes(kToken), Request(), Clock::now()).ok());
}

TEST_F(IssuerTest, IssuesNothingThatOutlivesItsCa) {
  IssuingCase old({.common_name = "Old CA", .not_after = hours(2)});
  old.Add(kToken, kAlice, Clock::now() + hours(72));
  const auto issuer = old.Make();
  ExpectFault(issuer->Issue(AsBytes(kToken), Request(), Clock::now() + hours(3)), Fault::kInternal,
              "not valid now");
  const auto issued = issuer->Issue(AsBytes(kToken), Request(), Clock::now());
  ASSERT_TRUE(issued.ok());
  EXPECT_LE(issued->not_after, Clock::now() + hours(2));
  EXPECT_EQ(Verify(issued->der, old.authority().certificate()), X509_V_OK);
}

TEST(IssuerOfEachTypeTest, SignsAsItsKeyDoes) {
  for (const KeyType type : {KeyType::kRsa2048, KeyType::kEcP256, KeyType::kEcP384,
                             KeyType::kEcP521, KeyType::kEd25519}) {
    IssuingCase one({.common_name = "CA", .key = type});
    one.Add(kToken, kAlice, Clock::now() + hours(1));
    const auto issued = one.Make()->Issue(AsBytes(kToken), Request(), Clock::now());
    ASSERT_TRUE(issued.ok()) << issued.status().message();
    EXPECT_EQ(Verify(issued->der, one.authority().certificate()), X509_V_OK)
        << static_cast<int>(type);
  }
}

TEST_F(IssuerTest, HasASerialNumberThatNobodyGuesses) {
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) {
    case_.Add(kToken + std::to_string(i), kAlice, Clock::now() + hours(1));
  }
  const auto issuer = case_.Make();
  for (int i = 0; i < 20; ++i) {
    const auto issued = issuer->Issue(AsBytes(kToken + std::to_string(i)), Request(), Clock::now());
    ASSERT_TRUE(issued.ok());
    EXPECT_EQ(issued->serial.size(), 32u);
    serials.insert(issued->serial);
  }
  EXPECT_EQ(serials.size(), 20u);
}

TEST_F(IssuerTest, IsACaOrNone) {
  const TestAuthority no_ca = TestAuthority("Root").Subordinate({.common_name = "No CA"}, false);
  Result<EnrolmentTokens> tokens = EnrolmentTokens::Load(case_.TokensFile());
  Result<std::unique_ptr<SpentTokens>> spent = SpentTokens::Open(case_.SpentFile());
  const auto issuer =
      Issuer::Make(case_.Authority(no_ca), *std::move(tokens), *std::move(spent), hours(1));
  ASSERT_FALSE(issuer.ok());
  EXPECT_NE(issuer.status().message().find("is no CA's"), std::string::npos);
}

}  // namespace
}  // namespace detach
