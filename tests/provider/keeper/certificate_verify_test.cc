#include "provider/keeper/certificate_verify.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace detach {
namespace {

std::optional<TlsRole> RoleOf(const std::string& content) {
  return CertificateVerifyRole(std::vector<std::uint8_t>(content.begin(), content.end()));
}

std::string Content(const std::string& role, std::size_t hash) {
  return std::string(64, ' ') + "TLS 1.3, " + role + " CertificateVerify" + std::string(1, '\0') +
         std::string(hash, 'h');
}

TEST(CertificateVerifyTest, IsOfTheRoleThatItsContextNames) {
  for (const std::size_t hash : {32, 48}) {
    EXPECT_EQ(RoleOf(Content("server", hash)), TlsRole::kServer);
    EXPECT_EQ(RoleOf(Content("client", hash)), TlsRole::kClient);
  }
}

TEST(CertificateVerifyTest, HasATranscriptHashOfACipherSuiteOfTls13) {
  for (std::size_t hash = 0; hash <= 64; ++hash) {
    EXPECT_EQ(RoleOf(Content("server", hash)).has_value(), hash == 32 || hash == 48) << hash;
  }
}

TEST(CertificateVerifyTest, IsNoneWithAnyOtherByteBeforeTheHash) {
  const std::string good = Content("server", 32);
  for (std::size_t i = 0; i + 32 < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 1;
    EXPECT_FALSE(RoleOf(bad).has_value()) << i;
  }
}

// RFC 9345 and RFC 9261 sign 64 spaces and a context, too.
TEST(CertificateVerifyTest, IsNoneOfAnotherContext) {
  for (const std::string& context :
       {std::string("TLS, server delegated credentials"), std::string("Exported Authenticator"),
        std::string("TLS 1.2, server CertificateVerify"),
        std::string("TLS 1.3, SERVER CertificateVerify"),
        std::string("TLS 1.3, server CertificateVerifx"),
        std::string("TLS 1.3,  server CertificateVerify")}) {
    for (const std::size_t size : {130, 146}) {
      std::string content = std::string(64, ' ') + context + std::string(1, '\0');
      content.resize(size, 'h');
      EXPECT_FALSE(RoleOf(content).has_value()) << context;
    }
  }
}

}  // namespace
}  // namespace detach
