#include "bio/backend/openssl/openssl_context.h"
#include "tests/bio/backend/conformance/backend_pair.h"

namespace detach {

const std::vector<BackendPair>& BackendPairs() {
  static const std::vector<BackendPair> pairs = {
      {"OpenSslTls13", NewOpenSslContext, NewOpenSslContext, TlsVersion::kTls13},
      {"OpenSslTls12", NewOpenSslContext, NewOpenSslContext, TlsVersion::kTls12},
  };
  return pairs;
}

}  // namespace detach
