// A library context with the provider in it.
#ifndef DETACH_TESTS_PROVIDER_PROVIDER_FIXTURE_H_
#define DETACH_TESTS_PROVIDER_PROVIDER_FIXTURE_H_

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "program/crypto/crypto_types.h"
#include "tests/provider/keeper/kept_identities.h"
#include "tests/provider/keeper/running_keeper.h"
#include "tests/support/temporary_directory.h"

namespace detach {

using LibraryPtr = std::unique_ptr<OSSL_LIB_CTX, FreeWith<OSSL_LIB_CTX_free>>;
using StorePtr = std::unique_ptr<OSSL_STORE_CTX, FreeWith<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, FreeWith<OSSL_STORE_INFO_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;

struct LoadedIdentity {
  X509Ptr certificate;
  PkeyPtr key;
};

enum class ProviderOrder { kFirst, kLast };

class ProviderFixture : public ::testing::Test {
 protected:
  ProviderFixture() {
    ::chmod(directory_.path().c_str(), 0700);
    ERR_clear_error();  // of the test before
  }

  std::string SocketPath() const { return (directory_.path() / "socket").string(); }

  // For a server: "rsa", "pss" (with SHA-384 only), "ec", "ed"; for a client: "client"; for both
  // versions: "old-rsa", "old-ec", "old-client".
  static std::vector<KeeperIdentity> Identities() {
    std::vector<KeeperIdentity> identities;
    identities.push_back(NewIdentity("rsa", KeyType::kRsa2048, Purpose::kTlsServer));
    identities.push_back(NewIdentity("ec", KeyType::kEcP256, Purpose::kTlsServer));
    identities.push_back(NewIdentity("ed", KeyType::kEd25519, Purpose::kTlsServer));
    identities.push_back(NewIdentity("client", KeyType::kEcP256, Purpose::kTlsClient));
    identities.push_back(NewIdentity("pss", KeyType::kRsaPssSha384, Purpose::kTlsServer));
    identities.push_back(NewIdentity("old-client", KeyType::kEd25519, Purpose::kTlsClient));
    identities.push_back(NewIdentity("old-rsa", KeyType::kRsa2048, Purpose::kTlsServer));
    identities.push_back(NewIdentity("old-ec", KeyType::kEcP256, Purpose::kTlsServer));
    for (KeeperIdentity& identity : identities) {
      identity.signatures_per_second = 1'000'000;
      identity.unsafe_tls12 = identity.name.starts_with("old-");
    }
    return identities;
  }

  LibraryPtr NewLibrary(ProviderOrder order) const {
    return NewLibrary(order, "socket = " + SocketPath() + "\n");
  }

  // As openssl.cnf would: providers take parameters from there only.
  LibraryPtr NewLibrary(ProviderOrder order, const std::string& parameters) const {
    // libcrypto sorts providers by their names here and there, so a first one is named first, too.
    const char* const providers = order == ProviderOrder::kFirst
                                      ? "a_keeper = ours\ndefault = own\n"
                                      : "default = own\ndetach = ours\n";
    const std::string module = std::filesystem::absolute("provider/detach.so").string();
    const std::string config = directory_.Write(
        "openssl.cnf",
        std::string("openssl_conf = init\n[init]\nproviders = providers\n[providers]\n") +
            providers + "[own]\nactivate = 1\n[ours]\nmodule = " + module + "\n" + parameters +
            "activate = 1\n");
    LibraryPtr library(OSSL_LIB_CTX_new());
    EXPECT_EQ(OSSL_LIB_CTX_load_config(library.get(), config.c_str()), 1);
    const char* const name = order == ProviderOrder::kFirst ? "a_keeper" : "detach";
    EXPECT_EQ(OSSL_PROVIDER_available(library.get(), name), 1);
    return library;
  }

  static StorePtr Open(OSSL_LIB_CTX* library, const std::string& name,
                       const char* properties = nullptr, const OSSL_PARAM* params = nullptr) {
    const std::string uri = "identity:" + name;
    return StorePtr(OSSL_STORE_open_ex(uri.c_str(), library, properties, nullptr, nullptr, params,
                                       nullptr, nullptr));
  }

  static LoadedIdentity Load(OSSL_LIB_CTX* library, const std::string& name) {
    return LoadFrom(Open(library, name));
  }

  static LoadedIdentity LoadFrom(const StorePtr& store) {
    LoadedIdentity loaded;
    while (store && OSSL_STORE_eof(store.get()) == 0) {
      const StoreInfoPtr info(OSSL_STORE_load(store.get()));
      if (!info) break;
      if (OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_CERT && !loaded.certificate) {
        loaded.certificate.reset(OSSL_STORE_INFO_get1_CERT(info.get()));
      } else if (OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY) {
        loaded.key.reset(OSSL_STORE_INFO_get1_PKEY(info.get()));
      }
    }
    return loaded;
  }

  static SslCtxPtr NewContext(OSSL_LIB_CTX* library) {
    return SslCtxPtr(SSL_CTX_new_ex(library, nullptr, TLS_method()));
  }

  static bool Use(SSL_CTX* context, const LoadedIdentity& identity) {
    return SSL_CTX_use_cert_and_key(context, identity.certificate.get(), identity.key.get(),
                                    nullptr, 1) == 1;
  }

  // Whether a client that asks for `version` and a server come to an end, in memory.
  static bool Handshake(SSL_CTX* server_context, SSL_CTX* client_context,
                        int version = TLS1_3_VERSION) {
    const SslPtr server(SSL_new(server_context));
    const SslPtr client(SSL_new(client_context));
    SSL_set_max_proto_version(client.get(), version);
    BIO* one = nullptr;
    BIO* other = nullptr;
    BIO_new_bio_pair(&one, 0, &other, 0);
    SSL_set_bio(server.get(), one, one);
    SSL_set_bio(client.get(), other, other);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    for (int i = 0; i < 20; ++i) {
      const int accepted = SSL_do_handshake(server.get());
      if (Failed(server.get(), accepted)) return false;  // its errors are still there
      const int connected = SSL_do_handshake(client.get());
      if (Failed(client.get(), connected)) return false;
      if (accepted == 1 && connected == 1) return true;
    }
    return false;
  }

  // All that stands in this thread's queue of errors.
  static std::string TakeErrors() {
    std::string errors;
    const char* text = nullptr;
    int flags = 0;
    while (const unsigned long error =
               ERR_get_error_all(nullptr, nullptr, nullptr, &text, &flags)) {
      const char* reason = ERR_reason_error_string(error);
      errors += std::string(reason != nullptr ? reason : "?") + ": " + text + "\n";
    }
    return errors;
  }

  TemporaryDirectory directory_{"/tmp"};

 private:
  static bool Failed(SSL* ssl, int result) {
    return result <= 0 && SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ;
  }
};

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_PROVIDER_FIXTURE_H_
