#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "provider/keeper/databases.h"
#include "provider/keeper/pkcs11/token_reader.h"
#include "provider/keeper/requests.h"
#include "tests/provider/keeper/kept_identities.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

// A keeper with one key of a file, and a token that stops answering when Hang() is called.
class RequestsAboutDatabasesTest : public ::testing::Test {
 protected:
  RequestsAboutDatabasesTest() : gate_(directory_.path() / "gate") {
    ::setenv("DETACH_TEST_GATE", gate_.c_str(), 1);
    const std::string uri =
        "pkcs11:?module-path=" +
        std::filesystem::absolute("tests/support/hanging_pkcs11_module.so").string();
    auto reader = std::make_unique<TokenReader>("/no/provider.so");
    EXPECT_TRUE(reader->Expect(uri).ok());
    std::vector<KeptDatabase> databases = {{.uri = uri, .purpose = Purpose::kTlsClient}};
    std::vector<KeeperIdentity> identities;
    identities.push_back(NewIdentity("file", KeyType::kEcP256, Purpose::kTlsClient));
    requests_ = std::make_unique<Requests>(
        std::move(identities),
        std::make_unique<Databases>(std::move(databases), std::move(reader)));
  }

  std::string ListFirst() {
    const auto later = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    return requests_->Answer({.type = FrameType::kListIdentity}, later)->name;
  }

  void Hang() const { ASSERT_EQ(::mkfifo(gate_.c_str(), 0600), 0); }
  // WaitForOne returns when a thread is in the token, which lets it go when that is closed.
  UniqueFd WaitForOne() const { return UniqueFd(::open(gate_.c_str(), O_WRONLY)); }
  void Answer() const { ::unlink(gate_.c_str()); }

  TemporaryDirectory directory_;
  const std::string gate_;
  std::unique_ptr<Requests> requests_;
};

TEST_F(RequestsAboutDatabasesTest, ATokenThatHangsHoldsUpOneThread) {
  Hang();
  auto held_up = std::async(std::launch::async, [this] { return ListFirst(); });
  UniqueFd held = WaitForOne();
  auto others = std::async(std::launch::async, [this] { return ListFirst() + ListFirst(); });
  EXPECT_EQ(others.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  Answer();
  held.reset();
  EXPECT_EQ(others.get(), "filefile");
  EXPECT_EQ(held_up.get(), "file");
}

}  // namespace
}  // namespace detach
