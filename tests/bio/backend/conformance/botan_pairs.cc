// Every pair in which Botan is at one end at least. TLS 1.3 where this Botan has it.
#include "bio/backend/botan/botan_context.h"
#include "bio/backend/openssl/openssl_context.h"
#include "tests/bio/backend/conformance/backend_pair.h"

namespace detach {

const std::vector<BackendPair>& BackendPairs() {
  static const std::vector<BackendPair> pairs = [] {
    std::vector<BackendPair> all;
    for (const TlsVersion version : {TlsVersion::kTls12, TlsVersion::kTls13}) {
      if (version == TlsVersion::kTls13 && !BotanHasTls13()) continue;
      const std::string suffix = version == TlsVersion::kTls13 ? "Tls13" : "Tls12";
      all.push_back({"BotanWithBotan" + suffix, NewBotanContext, NewBotanContext, version});
      all.push_back({"BotanWithOpenSsl" + suffix, NewBotanContext, NewOpenSslContext, version});
      all.push_back({"OpenSslWithBotan" + suffix, NewOpenSslContext, NewBotanContext, version});
    }
    // Botan's TLS knows no Ed25519 certificate.
    for (BackendPair& pair : all) pair.ed25519 = false;
    return all;
  }();
  return pairs;
}

}  // namespace detach
