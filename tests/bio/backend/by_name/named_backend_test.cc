#include "bio/backend/by_name/named_backend.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <typeinfo>

namespace detach {
namespace {

TlsConfig Client(TlsVersion min_version) {
  TlsConfig config;
  config.min_version = min_version;
  config.dangerous_accept_any_peer = true;
  return config;
}

TEST(NamedBackendTest, EachNameMakesAContextOfItsOwnStack) {
  std::set<std::string> names;
  std::set<std::string> kinds;
  for (const NamedBackend& backend : NamedBackends()) {
    auto context = NewTlsContext(backend.name, Client(TlsVersion::kTls12));
    ASSERT_TRUE(context.ok()) << context.status().message();
    const TlsContext& made = **context;
    kinds.insert(typeid(made).name());
    names.emplace(backend.name);
    EXPECT_TRUE((*context)->NewBackend().ok());
  }
  EXPECT_FALSE(names.empty());
  EXPECT_EQ(names.size(), kinds.size());
}

TEST(NamedBackendTest, SaysWhichBackendsThereAre) {
  for (const char* unknown : {"", "gnutls", "OpenSSL", "botan "}) {
    const Status status = NewTlsContext(unknown, Client(TlsVersion::kTls12)).status();
    EXPECT_EQ(status.fault(), Fault::kMisuse);
    EXPECT_NE(status.message().find("\"" + std::string(unknown) + "\" is no TLS backend"),
              std::string::npos)
        << status.message();
    for (const NamedBackend& backend : NamedBackends()) {
      EXPECT_NE(status.message().find("\"" + std::string(backend.name) + "\""), std::string::npos);
    }
  }
}

TEST(NamedBackendTest, RefusesAVersionThatTheStackDoesNotReach) {
  for (const NamedBackend& backend : NamedBackends()) {
    const auto context = NewTlsContext(backend.name, Client(TlsVersion::kTls13));
    if (backend.max_version == TlsVersion::kTls13) {
      EXPECT_TRUE(context.ok()) << context.status().message();
    } else {
      EXPECT_EQ(context.status().fault(), Fault::kIncompatible);
      EXPECT_NE(context.status().message().find(backend.stack + " has no TLS 1.3"),
                std::string::npos);
    }
  }
}

}  // namespace
}  // namespace detach
