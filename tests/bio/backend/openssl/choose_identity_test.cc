#include <gtest/gtest.h>
#include <openssl/err.h>

#include <memory>

#include "tests/bio/backend/openssl/openssl_fixture.h"

namespace detach {
namespace {

class ChooseIdentity : public OpenSslTest {};
INSTANTIATE_TEST_SUITE_P(OpenSsl, ChooseIdentity,
                         testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName);

// A chooser that looks into a store may leave one, and so may a provider whose keys are compared.
// The first handshake reads the identity, and clears the queue for that; the second has it.
TEST_P(ChooseIdentity, LeavesNoErrorThatWouldEndTheHandshake) {
  TlsConfig config;
  config.min_version = config.max_version = GetParam();
  config.role = Role::kServer;
  config.identity = Pki().server.identity();
  config.trust_anchors = {Pki().client_root.certificate()};
  server_context_ = *NewOpenSslContext(config);
  config.role = Role::kClient;
  config.identity = nullptr;
  config.trust_anchors = {Pki().server_root.certificate()};
  config.reference_identity = "server.example";
  config.choose_identity = [identity = Pki().client.identity()](const CertificateRequest&) {
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    return identity;
  };
  client_context_ = *NewOpenSslContext(config);
  EnterTls();
  pair_ = std::make_unique<SessionPair>();
  EnterTls();
}

}  // namespace
}  // namespace detach
