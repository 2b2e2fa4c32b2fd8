// Identities whose private keys stay in a keeper: the URIs of the scheme identity:.
#ifndef DETACH_PROXIES_IDENTITY_KEPT_IDENTITIES_H_
#define DETACH_PROXIES_IDENTITY_KEPT_IDENTITIES_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bio/backend/by_name/named_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "program/toml_reader.h"
#include "proxies/identity/identity_loader.h"

namespace detach {

// IsKept tells URIs of the scheme identity: from others.
bool IsKept(std::string_view uri) noexcept;

// KeptIdentities is what a keeper has, as it was when it was asked: chains, and keys by reference.
// Each handshake asks the keeper for its signature, and fails where none answers.
class KeptIdentities {
 public:
  // Without a keeper every search fails, and says what to configure.
  KeptIdentities() = default;

  // Ask asks the keeper at `socket` for what it has for `role`. The keys are signers, or, for a
  // backend that takes none, store URIs: the provider of LoadKeeperProvider must answer those.
  // Errors begin with the socket.
  static Result<KeptIdentities> Ask(const std::string& socket, Role role, bool takes_signer);

  // Again asks the same keeper in the same way.
  Result<KeptIdentities> Again() const;

  // Find returns the identity of "identity:NAME"; of "identity:" all that are for this role. What
  // is not there, or is for the other role, is an error (kMisuse) that says what there is.
  Result<LoadedIdentities> Find(const std::string& uri) const;

  // FindOne returns the identity of "identity:NAME".
  Result<std::shared_ptr<const Identity>> FindOne(const std::string& uri) const;

 private:
  struct Named {
    std::string name;
    std::shared_ptr<const Identity> identity;  // null: it is for the other role
  };

  Status NoneNamed(std::string_view name) const;

  std::string socket_;  // empty: there is no keeper
  Role role_ = Role::kClient;
  bool takes_signer_ = false;
  std::vector<Named> identities_;
};

// ReadKeeper reads the table `keeper`, and asks the keeper that it names; where there is no such
// table, there is no keeper. Complains at `keeper.socket` or `keeper.provider`. Loads the provider
// where `backend` needs it: no other thread may use libcrypto yet, at the first time.
KeptIdentities ReadKeeper(TomlTable& root, Role role, const NamedBackend& backend);

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_KEPT_IDENTITIES_H_
