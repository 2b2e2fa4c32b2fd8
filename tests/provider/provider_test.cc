// Keys of a keeper in libssl and libcrypto, as any program uses them.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/provider/provider_fixture.h"

namespace detach {
namespace {

class ProviderTest : public ProviderFixture {
 protected:
  ProviderTest() { keeper_.emplace(SocketPath(), Identities()); }

  // The server of `identity` and a client without one.
  bool Serves(const std::string& identity, int version = TLS1_3_VERSION) {
    const SslCtxPtr server = NewContext(library_.get());
    const SslCtxPtr client = NewContext(library_.get());
    return Use(server.get(), Load(library_.get(), identity)) &&
           Handshake(server.get(), client.get(), version);
  }

  static void DemandCertificates(SSL_CTX* server) {
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       [](int, X509_STORE_CTX*) { return 1; });
  }

  LibraryPtr library_ = NewLibrary(ProviderOrder::kLast);
  std::optional<RunningKeeper> keeper_;
};

TEST_F(ProviderTest, ServesTls13WithEachTypeOfKey) {
  for (const char* name : {"rsa", "pss", "ec", "ed", "old-rsa", "old-ec"}) {
    EXPECT_TRUE(Serves(name)) << name << ": " << TakeErrors();
  }
}

TEST_F(ProviderTest, WorksWhicheverComesFirstInTheConfigurationAndInTheProgram) {
  for (const auto order : {ProviderOrder::kFirst, ProviderOrder::kLast}) {
    for (const bool store_first : {false, true}) {
      const LibraryPtr library = NewLibrary(order);
      LoadedIdentity identity;
      if (store_first) identity = Load(library.get(), "rsa");
      const SslCtxPtr server = NewContext(library.get());
      const SslCtxPtr client = NewContext(library.get());
      if (!store_first) identity = Load(library.get(), "rsa");
      EXPECT_TRUE(Use(server.get(), identity)) << TakeErrors();
      EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
    }
  }
}

TEST_F(ProviderTest, ShowsTheClientsCertificateToo) {
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "ec")));
  ASSERT_TRUE(Use(client.get(), Load(library_.get(), "client")));
  DemandCertificates(server.get());
  EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
}

TEST_F(ProviderTest, RefusesTheRoleThatTheKeyIsNotFor) {
  EXPECT_FALSE(Serves("client"));
  EXPECT_NE(TakeErrors().find("the identity is for the other role"), std::string::npos);
}

TEST_F(ProviderTest, ServesTls12WhereThatIsSwitchedOnOnly) {
  for (const char* name : {"old-rsa", "old-ec"}) {
    EXPECT_TRUE(Serves(name, TLS1_2_VERSION)) << name << ": " << TakeErrors();
  }
  for (const char* name : {"rsa", "ec"}) {
    EXPECT_FALSE(Serves(name, TLS1_2_VERSION)) << name;
    EXPECT_NE(TakeErrors().find("signs for TLS 1.3 only"), std::string::npos) << name;
  }
  EXPECT_FALSE(Serves("ed", TLS1_2_VERSION));
  EXPECT_NE(TakeErrors().find("signs TLS 1.3 handshakes, and nothing else"), std::string::npos);
}

// It signs the whole handshake then, which is longer than anything of TLS 1.3.
TEST_F(ProviderTest, SaysThatAnEd25519KeyOfAClientIsNotForTls12) {
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "old-ec")));
  ASSERT_TRUE(Use(client.get(), Load(library_.get(), "old-client")));
  DemandCertificates(server.get());
  EXPECT_FALSE(Handshake(server.get(), client.get(), TLS1_2_VERSION));
  EXPECT_NE(TakeErrors().find("signs TLS 1.3 handshakes, and nothing else"), std::string::npos);
}

// What libssl asks before it chooses a scheme.
TEST_F(ProviderTest, TellsWhichDigestsAKeySignsWith) {
  const auto signs = [&](const char* name, const char* digest) {
    const LoadedIdentity identity = Load(library_.get(), name);
    return EVP_PKEY_digestsign_supports_digest(identity.key.get(), library_.get(), digest,
                                               nullptr) == 1;
  };
  EXPECT_TRUE(signs("rsa", "SHA256"));
  EXPECT_FALSE(signs("rsa", "SHA1"));
  EXPECT_FALSE(signs("rsa", "no such digest"));
  EXPECT_TRUE(signs("pss", "SHA384"));
  EXPECT_FALSE(signs("pss", "SHA256"));
  EXPECT_TRUE(signs("ec", "SHA256"));
  EXPECT_FALSE(signs("ec", "SHA224"));
  EXPECT_FALSE(signs("ed", "SHA256"));
}

TEST_F(ProviderTest, LeavesNoErrorBehindWhereThereIsNone) {
  EXPECT_TRUE(Serves("rsa"));
  EXPECT_EQ(TakeErrors(), "");
}

TEST_F(ProviderTest, GivesThePublicHalfAndNeverThePrivate) {
  for (const char* name : {"rsa", "ec", "ed"}) {
    const LoadedIdentity identity = Load(library_.get(), name);
    ASSERT_TRUE(identity.key);
    EXPECT_EQ(X509_check_private_key(identity.certificate.get(), identity.key.get()), 1) << name;
    EXPECT_EQ(EVP_PKEY_get_bits(identity.key.get()),
              EVP_PKEY_get_bits(X509_get0_pubkey(identity.certificate.get())));
    OSSL_PARAM* params = nullptr;
    EXPECT_EQ(EVP_PKEY_todata(identity.key.get(), EVP_PKEY_PUBLIC_KEY, &params), 1) << name;
    OSSL_PARAM_free(params);
    params = nullptr;
    EXPECT_NE(EVP_PKEY_todata(identity.key.get(), EVP_PKEY_KEYPAIR, &params), 1) << name;
    unsigned char* der = nullptr;
    EXPECT_LE(i2d_PrivateKey(identity.key.get(), &der), 0) << name;
  }
}

TEST_F(ProviderTest, TellsKeysApart) {
  const LoadedIdentity one = Load(library_.get(), "rsa");
  const LoadedIdentity same = Load(library_.get(), "rsa");
  const LoadedIdentity other = Load(library_.get(), "ec");
  EXPECT_EQ(EVP_PKEY_eq(one.key.get(), same.key.get()), 1);
  EXPECT_NE(EVP_PKEY_eq(one.key.get(), other.key.get()), 1);
  EXPECT_NE(X509_check_private_key(other.certificate.get(), one.key.get()), 1);
}

TEST_F(ProviderTest, LeavesNoErrorBehindWhereKeysAreCompared) {
  for (const char* name : {"rsa", "pss", "ec", "ed"}) {
    const LoadedIdentity identity = Load(library_.get(), name);
    EVP_PKEY* const published = X509_get0_pubkey(identity.certificate.get());
    EXPECT_EQ(EVP_PKEY_eq(published, identity.key.get()), 1) << name;
    EXPECT_EQ(EVP_PKEY_eq(identity.key.get(), published), 1) << name;
    EXPECT_EQ(EVP_PKEY_parameters_eq(published, identity.key.get()),
              EVP_PKEY_parameters_eq(published, published))
        << name;
    EXPECT_EQ(TakeErrors(), "") << name;
  }
}

TEST_F(ProviderTest, PrintsWhatIsPublicOfAKey) {
  for (const char* name : {"rsa", "pss", "ec", "ed"}) {
    const LoadedIdentity identity = Load(library_.get(), name);
    const BioPtr text(BIO_new(BIO_s_mem()));
    EXPECT_EQ(EVP_PKEY_print_public(text.get(), identity.key.get(), 0, nullptr), 1) << name;
    EXPECT_NE(EVP_PKEY_print_private(text.get(), identity.key.get(), 0, nullptr), 1) << name;
    EVP_PKEY_print_params(text.get(), identity.key.get(), 0, nullptr);  // of RSA there are none
  }
}

TEST_F(ProviderTest, ComesWithPropertiesAndWithAFormatToo) {
  char pem[] = "PEM";
  const OSSL_PARAM format[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_STORE_PARAM_INPUT_TYPE, pem, 0),
      OSSL_PARAM_construct_end()};
  EXPECT_TRUE(LoadFrom(Open(library_.get(), "rsa", "?provider=default")).key) << TakeErrors();
  EXPECT_TRUE(LoadFrom(Open(library_.get(), "rsa", nullptr, format)).key) << TakeErrors();
  EXPECT_FALSE(Open(library_.get(), "rsa", "provider=default"));
}

TEST_F(ProviderTest, GivesTheTypeOfObjectThatIsExpected) {
  const StorePtr certificates = Open(library_.get(), "rsa");
  EXPECT_EQ(OSSL_STORE_expect(certificates.get(), OSSL_STORE_INFO_CERT), 1);
  const LoadedIdentity only_certificate = LoadFrom(certificates);
  EXPECT_TRUE(only_certificate.certificate && !only_certificate.key);
  const StorePtr keys = Open(library_.get(), "rsa");
  EXPECT_EQ(OSSL_STORE_expect(keys.get(), OSSL_STORE_INFO_PKEY), 1);
  const LoadedIdentity only_key = LoadFrom(keys);
  EXPECT_TRUE(!only_key.certificate && only_key.key);
}

TEST_F(ProviderTest, GivesNoOtherIdentityThanTheOneSearchedFor) {
  const LoadedIdentity identity = Load(library_.get(), "rsa");
  const X509_NAME* name = X509_get_subject_name(identity.certificate.get());
  OSSL_STORE_SEARCH* const search = OSSL_STORE_SEARCH_by_name(const_cast<X509_NAME*>(name));
  const StorePtr store = Open(library_.get(), "");
  EXPECT_NE(OSSL_STORE_find(store.get(), search), 1);
  EXPECT_NE(TakeErrors().find("found by its name in the URI only"), std::string::npos);
  OSSL_STORE_SEARCH_free(search);
}

TEST_F(ProviderTest, SaysThatThereIsNoKeeperAndUsesTheOneThatComesBack) {
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "rsa")));
  keeper_.reset();
  EXPECT_FALSE(Handshake(server.get(), client.get()));
  const std::string errors = TakeErrors();
  EXPECT_NE(errors.find("no keeper: " + SocketPath()), std::string::npos) << errors;
  EXPECT_FALSE(Load(library_.get(), "rsa").key);
  EXPECT_NE(TakeErrors().find("no keeper: "), std::string::npos);
  keeper_.emplace(SocketPath(), Identities());
  EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
}

TEST_F(ProviderTest, NoticesThatAnIdentityHasAnotherKeyByNow) {
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "ec")));
  keeper_.reset();
  std::vector<KeeperIdentity> renewed = Identities();
  renewed[1].content = NewContent(KeyType::kEcP256);
  keeper_.emplace(SocketPath(), std::move(renewed));
  EXPECT_FALSE(Handshake(server.get(), client.get()));
  EXPECT_NE(TakeErrors().find("another key by now"), std::string::npos);
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "ec")));
  EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
}

TEST_F(ProviderTest, SaysWhichIdentityIsNotThere) {
  EXPECT_FALSE(Load(library_.get(), "nobody").key);
  EXPECT_NE(TakeErrors().find("the keeper has no identity \"nobody\""), std::string::npos);
}

TEST_F(ProviderTest, AsksTheKeeperWhoseSocketIsInTheUri) {
  keeper_.reset();
  const std::string path = (directory_.path() / "other").string();
  const RunningKeeper other(path, Identities());
  EXPECT_TRUE(Serves("ec?socket=" + path)) << TakeErrors();
  EXPECT_FALSE(Serves("ec"));  // the keeper of openssl.cnf is gone
  TakeErrors();
  library_ = NewLibrary(ProviderOrder::kLast, "");
  EXPECT_TRUE(Serves("ec?socket=" + path)) << TakeErrors();
  EXPECT_FALSE(Serves("ec"));
  EXPECT_NE(TakeErrors().find("no keeper is named"), std::string::npos);
}

TEST_F(ProviderTest, AsksTheKeeperBehindTheDescriptorInTheUri) {
  Result<PacketPair> channel = NewPacketPair();
  const UniqueFd far(::dup(channel->theirs.get()));
  const RunningKeeper other(std::move(channel->theirs), Identities());
  keeper_.reset();
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  const std::string uri = "ec?descriptor=" + std::to_string(channel->ours.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), uri))) << TakeErrors();
  channel->ours.reset();
  pollfd end = {.fd = far.get(), .events = 0, .revents = 0};
  EXPECT_EQ(::poll(&end, 1, 0), 0) << "the key does not keep the channel";
  EXPECT_TRUE(Handshake(server.get(), client.get())) << TakeErrors();
}

TEST_F(ProviderTest, SaysWhatIsWrongWithAUri) {
  for (const char* query : {"?socket", "?descriptor=", "?descriptor=x", "?descriptor=-1",
                            "?descriptor=0x1", "?descriptor=999999", "?pin-value=1"}) {
    EXPECT_FALSE(Load(library_.get(), std::string("ec") + query).key) << query;
    const std::string errors = TakeErrors();
    EXPECT_NE(errors.find(std::string("\"") + query + "\": "), std::string::npos) << errors;
  }
  const UniqueFd stream(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(Load(library_.get(), "ec?descriptor=" + std::to_string(stream.get())).key);
  EXPECT_NE(TakeErrors().find("no channel to a keeper"), std::string::npos);
  EXPECT_FALSE(Load(library_.get(), "ec?socket=relative").key);
  EXPECT_NE(TakeErrors().find("an absolute path"), std::string::npos);
}

TEST_F(ProviderTest, ServesAnyNumberOfThreads) {
  constexpr int kThreads = 4;
  constexpr int kHandshakes = 25;
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "ec")));
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kHandshakes; ++n) {
        // Loading at the same time, too: whoever comes first shows libcrypto the key types.
        if (Load(library_.get(), "ec").key && Handshake(server.get(), client.get())) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, kThreads * kHandshakes);
}

TEST_F(ProviderTest, ServesOnBothSidesOfAFork) {
  const SslCtxPtr server = NewContext(library_.get());
  const SslCtxPtr client = NewContext(library_.get());
  ASSERT_TRUE(Use(server.get(), Load(library_.get(), "rsa")));
  ASSERT_TRUE(Handshake(server.get(), client.get()));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(Handshake(server.get(), client.get()) ? 7 : 1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Handshake(server.get(), client.get()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

}  // namespace
}  // namespace detach
