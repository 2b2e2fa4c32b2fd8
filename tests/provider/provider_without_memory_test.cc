// The provider where memory gives out: it says so, and works again when there is some.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <string>

#include "tests/provider/provider_fixture.h"
#include "tests/support/scarce_memory.h"

namespace detach {
namespace {

class ProviderWithoutMemoryTest : public ProviderFixture {
 protected:
  ProviderWithoutMemoryTest() : keeper_(SocketPath(), Identities()) {}

  bool Signs(const LoadedIdentity& identity, const char* digest) {
    const MdCtxPtr context(EVP_MD_CTX_new());
    std::array<unsigned char, 512> signature = {};
    std::size_t size = signature.size();
    return EVP_DigestSignInit_ex(context.get(), nullptr, digest, library_.get(), nullptr,
                                 identity.key.get(), nullptr) == 1 &&
           EVP_DigestSign(context.get(), signature.data(), &size, content_.data(),
                          content_.size()) == 1;
  }

  // Lets `act` run out of memory at one place after the other, until it has enough.
  template <typename Act>
  void RunOutAtEachPlace(Act act) {
    ASSERT_TRUE(act());
    for (int allocations = 0;; ++allocations) {
      TakeErrors();
      bool done = false;
      bool gave_out = false;
      {
        const ScarceMemory scarce(allocations);
        done = act();
        gave_out = ScarceMemory::GaveOut();
      }
      if (!gave_out) {
        EXPECT_TRUE(done);
        EXPECT_GT(allocations, 1) << "nothing was tried";
        return;
      }
      if (!done) {
        EXPECT_NE(TakeErrors().find("malloc failure"), std::string::npos) << allocations;
      }
      EXPECT_TRUE(act()) << allocations << ": " << TakeErrors();
    }
  }

  const std::basic_string<unsigned char> content_ = [] {
    const std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify" +
                                std::string(1, '\0') + std::string(32, 'h');
    return std::basic_string<unsigned char>(content.begin(), content.end());
  }();
  LibraryPtr library_ = NewLibrary(ProviderOrder::kLast);
  RunningKeeper keeper_;
};

TEST_F(ProviderWithoutMemoryTest, FailsToOpenAndOpensAgain) {
  RunOutAtEachPlace([&] {
    return StorePtr(OSSL_STORE_open_ex("identity:ec", library_.get(), nullptr, nullptr, nullptr,
                                       nullptr, nullptr, nullptr)) != nullptr;
  });
}

TEST_F(ProviderWithoutMemoryTest, FailsToSignAndSignsAgain) {
  const LoadedIdentity ec = Load(library_.get(), "ec");
  RunOutAtEachPlace([&] { return Signs(ec, "SHA256"); });
  const LoadedIdentity ed = Load(library_.get(), "ed");
  RunOutAtEachPlace([&] { return Signs(ed, nullptr); });
}

}  // namespace
}  // namespace detach
