// Databases of identities: all that a token or a browser holds, whatever that is at the moment.
#ifndef DETACH_PROVIDER_KEEPER_DATABASES_H_
#define DETACH_PROVIDER_KEEPER_DATABASES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "provider/keeper/frame.h"
#include "provider/keeper/holdings.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/pkcs11/token_reader.h"

namespace detach {

// KeptDatabase is one, and what its identities may be used for.
struct KeptDatabase {
  std::string uri;
  Purpose purpose = Purpose::kTlsServer;
  bool unsafe_tls12 = false;  // as of KeeperIdentity
  int signatures_per_second = 1000;
};

// DerivedName returns the name that `identity` of a database has in this keeper: the common name of
// its certificate, as far as a name can hold that, and the beginning of its key id. So it is the
// same at each start, and with the key's next certificate.
std::string DerivedName(const KeyAndChain& identity);

// Databases reads them. One thread at a time.
class Databases {
 public:
  // `reader` expects every URI of `databases`.
  Databases(std::vector<KeptDatabase> databases, std::unique_ptr<TokenReader> reader)
      : databases_(std::move(databases)), reader_(std::move(reader)) {}

  // Look returns `fixed`, and behind it what the databases hold now. What `before` has of that, and
  // has not changed, is that very object. What is new, and what is amiss, goes to the log.
  Holdings Look(const Holdings& fixed, const Holdings& before);

 private:
  std::vector<KeptDatabase> databases_;
  std::unique_ptr<TokenReader> reader_;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_DATABASES_H_
