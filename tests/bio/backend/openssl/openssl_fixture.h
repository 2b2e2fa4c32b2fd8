// Sessions over OpenSSL whose SSL the test has at hand.
#ifndef DETACH_TESTS_BIO_BACKEND_OPENSSL_OPENSSL_FIXTURE_H_
#define DETACH_TESTS_BIO_BACKEND_OPENSSL_OPENSSL_FIXTURE_H_

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>

#include "bio/backend/openssl/openssl_backend.h"
#include "bio/backend/openssl/openssl_context.h"
#include "bio/backend/tls_config.h"
#include "tests/support/session_pair.h"
#include "tests/support/test_pki.h"

namespace detach {

// A TLS 1.2 and a TLS 1.3 connection for each test.
class OpenSslTest : public testing::TestWithParam<TlsVersion> {
 protected:
  OpenSslTest() {
    TlsConfig config;
    config.min_version = config.max_version = GetParam();
    config.role = Role::kServer;
    config.identity = Pki().server.identity();
    config.peer_certificate = PeerCertificate::kNotRequested;
    server_context_ = *NewOpenSslContext(config);
    config.role = Role::kClient;
    config.identity = nullptr;
    config.peer_certificate = PeerCertificate::kRequired;
    config.trust_anchors = {Pki().server_root.certificate()};
    config.reference_identity = "server.example";
    client_context_ = *NewOpenSslContext(config);
  }

  static const TestPki& Pki() {
    static const TestPki* const pki = new TestPki();
    return *pki;
  }

  void EnterTls() {
    Upgrade(server(), *server_context_, server_ssl_);
    Upgrade(client(), *client_context_, client_ssl_);
    pair_->Settle();
    ASSERT_TRUE(client().handshake_done() && server().handshake_done());
  }

  // Upgrade keeps the SSL that the session's backend owns.
  static void Upgrade(TlsSession& session, TlsContext& context, SSL*& ssl) {
    std::unique_ptr<TlsBackend> backend = *context.NewBackend();
    ssl = UnderlyingSsl(*backend);
    ASSERT_TRUE(session.Upgrade(std::move(backend)).ok());
  }

  bool IsTls13() const { return GetParam() == TlsVersion::kTls13; }
  TlsSession& client() { return pair_->client.session; }
  TlsSession& server() { return pair_->server.session; }

  std::unique_ptr<TlsContext> client_context_;
  std::unique_ptr<TlsContext> server_context_;
  std::unique_ptr<SessionPair> pair_ = std::make_unique<SessionPair>();
  SSL* client_ssl_ = nullptr;
  SSL* server_ssl_ = nullptr;
};

inline std::string VersionName(const testing::TestParamInfo<TlsVersion>& info) {
  return info.param == TlsVersion::kTls13 ? "Tls13" : "Tls12";
}

}  // namespace detach

#endif  // DETACH_TESTS_BIO_BACKEND_OPENSSL_OPENSSL_FIXTURE_H_
