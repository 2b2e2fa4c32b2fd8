// What the conformance suite is run over: pairs of TLS stacks, client and server.
#ifndef DETACH_TESTS_BIO_BACKEND_CONFORMANCE_BACKEND_PAIR_H_
#define DETACH_TESTS_BIO_BACKEND_CONFORMANCE_BACKEND_PAIR_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "bio/backend/tls_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

using ContextFactory = std::function<Result<std::unique_ptr<TlsContext>>(const TlsConfig&)>;

struct BackendPair {
  std::string name;  // letters and digits
  ContextFactory client;
  ContextFactory server;
  TlsVersion version;
  bool ed25519 = true;  // whether both stacks take such a key
};

inline void PrintTo(const BackendPair& pair, std::ostream* out) { *out << pair.name; }

// BackendPairs is defined once in each binary that links the suite: to take another backend in,
// write one more such definition (openssl_pairs.cc shows how) and a cc_test over the same
// libraries.
const std::vector<BackendPair>& BackendPairs();

}  // namespace detach

#endif  // DETACH_TESTS_BIO_BACKEND_CONFORMANCE_BACKEND_PAIR_H_
