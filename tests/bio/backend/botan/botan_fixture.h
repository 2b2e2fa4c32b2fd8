// A Botan backend at each end, alone, without a session.
#ifndef DETACH_TESTS_BIO_BACKEND_BOTAN_BOTAN_FIXTURE_H_
#define DETACH_TESTS_BIO_BACKEND_BOTAN_BOTAN_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "bio/backend/botan/botan_context.h"
#include "tests/bio/backend/conformance/backend_end.h"
#include "tests/support/test_pki.h"

namespace detach {

// The versions that this Botan speaks.
inline std::vector<TlsVersion> BotanVersions() {
  if (!BotanHasTls13()) return {TlsVersion::kTls12};
  return {TlsVersion::kTls12, TlsVersion::kTls13};
}

inline std::string VersionName(const testing::TestParamInfo<TlsVersion>& info) {
  return info.param == TlsVersion::kTls13 ? "Tls13" : "Tls12";
}

class BotanTest : public testing::TestWithParam<TlsVersion> {
 protected:
  // The client shows a certificate, and both are checked with CRLs.
  BotanTest() {
    client_config_.role = Role::kClient;
    client_config_.trust_anchors = {Pki().server_root.certificate()};
    client_config_.crls = {Pki().server_root.Crl()};
    client_config_.check_revocation = true;
    client_config_.reference_identity = "server.example";
    client_config_.identity = Pki().client.identity();
    server_config_.role = Role::kServer;
    server_config_.identity = Pki().server.identity();
    server_config_.trust_anchors = {Pki().client_root.certificate()};
    server_config_.crls = Pki().client_crls;
    server_config_.check_revocation = true;
    for (TlsConfig* config : {&client_config_, &server_config_}) {
      config->min_version = config->max_version = GetParam();
    }
  }

  static const TestPki& Pki() {
    static const TestPki* const pki = new TestPki();
    return *pki;
  }

  bool IsTls13() const { return GetParam() == TlsVersion::kTls13; }

  // Open makes contexts and backends of the configurations as they are now.
  void Open() {
    client_ = BackendEnd();
    server_ = BackendEnd();
    client_context_ = *NewBotanContext(client_config_);
    server_context_ = *NewBotanContext(server_config_);
    client_.backend = *client_context_->NewBackend();
    server_.backend = *server_context_->NewBackend();
    server_.status = server_.backend->Start(server_.sink);
    client_.status = client_.backend->Start(client_.sink);
  }

  void Exchange() {
    for (int i = 0; i < 4; ++i) {
      Pass(client_, server_);
      Pass(server_, client_);
    }
  }

  void ShakeHands() {
    Open();
    Exchange();
    ASSERT_TRUE(client_.status.ok()) << client_.status.message();
    ASSERT_TRUE(server_.status.ok()) << server_.status.message();
    ASSERT_EQ(client_.sink.handshakes_done + server_.sink.handshakes_done, 2);
  }

  TlsConfig client_config_;
  TlsConfig server_config_;
  std::unique_ptr<TlsContext> client_context_;
  std::unique_ptr<TlsContext> server_context_;
  BackendEnd client_;
  BackendEnd server_;
};

}  // namespace detach

#endif  // DETACH_TESTS_BIO_BACKEND_BOTAN_BOTAN_FIXTURE_H_
