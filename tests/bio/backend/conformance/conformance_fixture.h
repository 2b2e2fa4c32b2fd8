// What every conformance test starts from: certificates, two configurations, two contexts.
#ifndef DETACH_TESTS_BIO_BACKEND_CONFORMANCE_CONFORMANCE_FIXTURE_H_
#define DETACH_TESTS_BIO_BACKEND_CONFORMANCE_CONFORMANCE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/bio/backend/conformance/backend_pair.h"
#include "tests/support/session_pair.h"
#include "tests/support/test_pki.h"

namespace detach {

// SharedPki returns certificates made once for the whole process.
const TestPki& SharedPki();

// Configurations that fit each other: the server proves to be server.example and asks for no client
// certificate.
TlsConfig ClientConfig(const BackendPair& pair);
TlsConfig ServerConfig(const BackendPair& pair);

// AskForClientCertificate makes the server demand one, with revocation checked, and the client send
// alice's.
void AskForClientCertificate(TlsConfig& client, TlsConfig& server);

// PairName names the instances of a suite that is parameterised over pairs alone.
inline std::string PairName(const testing::TestParamInfo<BackendPair>& info) {
  return info.param.name;
}

// Contexts are the contexts of both ends; a configuration that is refused aborts the process.
struct Contexts {
  Contexts(const BackendPair& pair, const TlsConfig& client_config, const TlsConfig& server_config);

  std::unique_ptr<TlsContext> client;
  std::unique_ptr<TlsContext> server;
};

}  // namespace detach

#endif  // DETACH_TESTS_BIO_BACKEND_CONFORMANCE_CONFORMANCE_FIXTURE_H_
