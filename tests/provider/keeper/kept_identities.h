// Identities for tests of the keeper.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_KEPT_IDENTITIES_H_
#define DETACH_TESTS_PROVIDER_KEEPER_KEPT_IDENTITIES_H_

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "provider/keeper/identity.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {

// NewContent makes a key of `type` with a certificate, and reads it from a file as the keeper does.
inline KeyAndChain NewContent(KeyType type) {
  const TemporaryDirectory directory;
  const TestCertificate certificate =
      TestAuthority("Test CA").Issue({.common_name = "identity", .key = type});
  const std::string path =
      directory.Write("identity.pem", certificate.ChainPem() + certificate.KeyPem());
  Result<KeyAndChain> content = LoadKeyAndChain("file:" + path, "");
  EXPECT_TRUE(content.ok()) << content.status().message();
  return *std::move(content);
}

// SharedContent returns the one key of `type` that this process has: making one costs time.
inline KeyAndChain SharedContent(KeyType type) {
  static std::map<KeyType, KeyAndChain> contents;
  if (contents.count(type) == 0) contents.emplace(type, NewContent(type));
  const KeyAndChain& content = contents.at(type);
  EVP_PKEY_up_ref(content.key.get());
  return {.location = content.location,
          .key = PkeyPtr(content.key.get()),
          .key_id = content.key_id,
          .chain = content.chain};
}

inline KeeperIdentity NewIdentity(const std::string& name, KeyType type, Purpose purpose) {
  return {.name = name,
          .purpose = purpose,
          .unsafe_tls12 = false,
          .signatures_per_second = 1000,
          .content = SharedContent(type)};
}

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_KEPT_IDENTITIES_H_
