// Identities whose private keys stay in a keeper: the URIs of the scheme identity:, and those of
// databases that the keeper reads, pkcs11: and browser:.
#ifndef DETACH_PROXIES_IDENTITY_KEPT_IDENTITIES_H_
#define DETACH_PROXIES_IDENTITY_KEPT_IDENTITIES_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "proxies/identity/identity_loader.h"

namespace detach {

// IsKept tells URIs of these schemes from others.
bool IsKept(std::string_view uri) noexcept;

// KeeperWay is how a keeper is asked, by this process and by detach.so in it.
struct KeeperWay;

// KeeperAt is the way to the keeper that listens at the socket `path`.
std::shared_ptr<const KeeperWay> KeeperAt(const std::string& path);

// KeeperThrough is the way to the keeper at the other end of `channel` (provider/keeper/channel.h).
// kInternal where there is no descriptor left.
Result<std::shared_ptr<const KeeperWay>> KeeperThrough(UniqueFd channel);

// KeptIdentities is what a keeper has, as it was when it was asked: chains, and keys by reference.
// Each handshake asks the keeper for its signature, and fails where none answers. Outlives the use
// of its identities.
class KeptIdentities {
 public:
  // Without a keeper every search fails, and says what to configure.
  KeptIdentities() = default;

  // True where there is a keeper: reading and signing may then block.
  explicit operator bool() const noexcept { return keeper_ != nullptr; }

  // Ask asks `keeper` for what it has for `role`. The keys are signers, or, for a backend that
  // takes none, store URIs: the provider of LoadKeeperProvider must answer those. Errors begin with
  // the keeper's name.
  static Result<KeptIdentities> Ask(std::shared_ptr<const KeeperWay> keeper, Role role,
                                    bool takes_signer);

  // Again asks the same keeper in the same way.
  Result<KeptIdentities> Again() const;

  // Find returns the identity of "identity:NAME"; of "identity:" all that are for this role; of a
  // database, those of databases of its scheme: there may be none. Where all that the keeper has is
  // for something else, `skipped` says so. What is not there by its name, or is for the other role,
  // is an error (kMisuse) that says what there is.
  Result<LoadedIdentities> Find(const std::string& uri) const;

  // FindOne returns the identity of "identity:NAME".
  Result<std::shared_ptr<const Identity>> FindOne(const std::string& uri) const;

  // notices returns what the keeper has passed over in its databases and why, each in one line.
  const std::vector<std::string>& notices() const noexcept { return notices_; }

  // KeyFiles returns the files that the keeper has read its keys from: all, for whatever role.
  const std::vector<std::string>& KeyFiles() const noexcept { return key_files_; }

 private:
  struct Named {
    std::string name;
    std::string location;                      // of the key
    std::shared_ptr<const Identity> identity;  // null: it is for the other role
  };

  static StoredIdentity Stored(const Named& named);
  std::string None(const std::string& which) const;
  Status NoneNamed(std::string_view name) const;

  std::shared_ptr<const KeeperWay> keeper_;  // null: there is none
  Role role_ = Role::kClient;
  bool takes_signer_ = false;
  std::vector<Named> identities_;
  std::vector<std::string> notices_;
  std::vector<std::string> key_files_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_KEPT_IDENTITIES_H_
