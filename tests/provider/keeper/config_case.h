// Tests of what stands in a keeper's configuration.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_CONFIG_CASE_H_
#define DETACH_TESTS_PROVIDER_KEEPER_CONFIG_CASE_H_

#include <gtest/gtest.h>

#include <string>

#include "provider/keeper/config.h"
#include "tests/support/temporary_directory.h"

namespace detach {

class ConfigCase : public testing::Test {
 protected:
  Result<KeeperConfig> Load(const std::string& text) const {
    return LoadKeeperConfig(directory_.Write("keeper.toml", text));
  }

  // ExpectRefused: with a message that begins with the position in `line` and has `why` in it.
  void ExpectRefused(const std::string& text, const std::string& line,
                     const std::string& why) const {
    const Result<KeeperConfig> config = Load(text);
    ASSERT_FALSE(config.ok()) << text;
    const std::string message = config.status().message();
    EXPECT_TRUE(message.starts_with((directory_.path() / "keeper.toml").string() + ":" + line))
        << message;
    EXPECT_NE(message.find(why), std::string::npos) << message;
  }

  TemporaryDirectory directory_;
};

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_CONFIG_CASE_H_
