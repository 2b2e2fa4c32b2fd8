// Reading NSS's databases, which NSS takes once in a process: so this has a process of its own.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "provider/keeper/pkcs11/token_reader.h"
#include "tests/provider/keeper/pkcs11/found_identities.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kEcdsaP256 = 0x0403;
constexpr std::uint16_t kRsaPss = 0x0804;

class NssReadingTest : public testing::Test {
 protected:
  // MakeDatabase makes one with a password, or, where that is empty, without.
  std::string MakeDatabase(const std::string& name, const std::string& password) const {
    const fs::path path = directory_.path() / name;
    fs::create_directory(path);
    directory_.Write(name + "/password", password + "\n");
    Run("certutil -N -d sql:" + path.string() +
        (password.empty() ? " --empty-password" : " -f " + (path / "password").string()));
    return path.lexically_normal().string();
  }

  // Import takes in a key, its certificate and those above, as a user does.
  void Import(const std::string& database, const std::string& name,
              const TestCertificate& certificate) const {
    const std::string pem =
        directory_.Write("identity.pem", certificate.KeyPem() + certificate.ChainPem());
    const std::string bundle = (directory_.path() / "identity.p12").string();
    Run("openssl pkcs12 -export -passout pass:x -name " + name + " -in " + pem + " -out " + bundle);
    Run("pk12util -W x -d sql:" + database + " -k " + database + "/password -i " + bundle);
  }

  static void Run(const std::string& command) {
    EXPECT_EQ(std::system((command + " >&2").c_str()), 0) << command;  // NOLINT(cert-env33-c)
  }

  TemporaryDirectory directory_;
};

TEST_F(NssReadingTest, FindsWhatIsThereAtTheMoment) {
  const TestAuthority issuer = TestAuthority("Root").Subordinate({.common_name = "Issuer"});
  const TestCertificate alice = issuer.Issue({.common_name = "alice"});
  const TestCertificate bob = issuer.Issue({.common_name = "bob", .key = KeyType::kRsa2048});
  const std::string open = MakeDatabase("open", "");
  const std::string closed = MakeDatabase("closed", "secret");
  Import(open, "alice", alice);
  Import(closed, "bob", bob);
  const std::string of_open = "browser:" + open;
  const std::string of_closed = "browser:" + closed;
  const std::string with_pin =
      of_closed + "?pin-source=file:" + directory_.Write("password", "secret\n");
  TokenReader reader("");
  for (const std::string& uri : {of_open, of_closed, with_pin}) {
    ASSERT_TRUE(reader.Expect(uri).ok());
  }
  EXPECT_TRUE(reader.OnlyDatabases());

  const FoundIdentities first = reader.Read(of_open);
  ASSERT_EQ(first.identities.size(), 1U) << NoticesOf(first);
  EXPECT_TRUE(Signs(first.identities[0], kEcdsaP256));
  EXPECT_EQ(ChainOf(first.identities[0]), (std::vector<std::string>{"alice", "Issuer"}));
  EXPECT_EQ(first.identities[0].location, of_open);
  EXPECT_NE(NoticesOf(reader.Read(of_closed)).find("wants a PIN"), std::string::npos);
  const FoundIdentities second = reader.Read(with_pin);
  ASSERT_EQ(second.identities.size(), 1U) << NoticesOf(second);
  EXPECT_TRUE(Signs(second.identities[0], kRsaPss));

  // While others write and sign.
  std::thread signing([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(Signs(first.identities[0], kEcdsaP256));
  });
  Import(open, "bob", bob);
  EXPECT_EQ(reader.Read(of_open).identities.size(), 2U);
  Run("certutil -D -d sql:" + open + " -n alice");
  const FoundIdentities left = reader.Read(of_open);
  signing.join();
  EXPECT_EQ(left.identities.size(), 1U);
  EXPECT_NE(NoticesOf(left).find("holds no certificate of its private key"), std::string::npos);
}

TEST_F(NssReadingTest, DoesNotOpenADatabaseThatIsNew) {
  TokenReader reader("");
  const std::string path = (directory_.path() / "new").string();
  ASSERT_TRUE(reader.Expect("browser:" + path).ok());
  EXPECT_NE(NoticesOf(reader.Read("browser:" + path)).find("has no NSS database"),
            std::string::npos);
  MakeDatabase("new", "");
  EXPECT_NE(NoticesOf(reader.Read("browser:" + path)).find("is new"), std::string::npos);
}

}  // namespace
}  // namespace detach
