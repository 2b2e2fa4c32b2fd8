// A CA, tokens and a file of spent ones, for tests of issuing.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_ISSUING_CASE_H_
#define DETACH_TESTS_PROVIDER_KEEPER_ISSUING_CASE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "program/hex_text.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/issuing/issuer.h"
#include "provider/keeper/utc_time.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {

inline std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// IssuingCase has what an issuer is made of in a folder of its own.
class IssuingCase {
 public:
  using Clock = std::chrono::system_clock;

  explicit IssuingCase(const CertificateSpec& spec = {.common_name = "Issuing CA"})
      : authority_(spec) {}

  KeyAndChain Authority(const TestAuthority& authority) const {
    const std::string path =
        directory_.Write("ca.pem", CertificatePem(authority.certificate()) + authority.KeyPem());
    Result<KeyAndChain> content = LoadKeyAndChain("file:" + path, "");
    EXPECT_TRUE(content.ok()) << content.status().message();
    return *std::move(content);
  }

  // Adds a token that is good for `name` until then.
  void Add(const std::string& token, const std::string& name, Clock::time_point end) {
    tokens_ += HexText(*Sha256Of(AsBytes(token))) + " " + name + " " +
               UtcText(std::chrono::floor<std::chrono::seconds>(end)) + "\n";
  }

  std::string TokensFile() const { return directory_.Write("tokens", tokens_); }
  std::string SpentFile() const { return (directory_.path() / "spent").string(); }

  // Make makes the issuer, as a keeper that is started does.
  std::shared_ptr<Issuer> Make(std::chrono::seconds lifetime = std::chrono::hours(12)) const {
    Result<EnrolmentTokens> tokens = EnrolmentTokens::Load(TokensFile());
    Result<std::unique_ptr<SpentTokens>> spent = SpentTokens::Open(SpentFile());
    EXPECT_TRUE(tokens.ok() && spent.ok());
    Result<std::shared_ptr<Issuer>> issuer =
        Issuer::Make(Authority(authority_), *std::move(tokens), *std::move(spent), lifetime);
    EXPECT_TRUE(issuer.ok()) << issuer.status().message();
    return issuer.ok() ? *issuer : nullptr;
  }

  // Identity returns one with such an issuer.
  KeeperIdentity Identity(const std::string& name) const {
    KeeperIdentity identity;
    identity.name = name;
    identity.purpose = Purpose::kIssuing;
    identity.signatures_per_second = 100;
    identity.content = Authority(authority_);
    identity.issuer = Make();
    return identity;
  }

  const TestAuthority& authority() const { return authority_; }

 private:
  TemporaryDirectory directory_;
  TestAuthority authority_;
  std::string tokens_;
};

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_ISSUING_CASE_H_
