// Asking a keeper.
#ifndef DETACH_PROVIDER_KEEPER_CLIENT_H_
#define DETACH_PROVIDER_KEEPER_CLIENT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "provider/keeper/connections.h"
#include "provider/keeper/frame.h"

namespace detach {

// KeptIdentity is what a keeper tells about one identity.
struct KeptIdentity {
  std::string name;
  Purpose purpose = Purpose::kTlsServer;
  KeyId key = {};
  std::string location;                          // of the key, as of KeyAndChain
  std::vector<std::vector<std::uint8_t>> chain;  // DER, the key's own first, which is always there
};

// KeeperClient asks a keeper. Copies share their connections, of which some are kept from one call
// to the next. It may be used by any number of threads, on both sides of a fork, and by a program
// that closes descriptors which it does not know or becomes another user; a keeper that was started
// again is simply there.
//
// Errors: kTransport (beginning with name()) where no keeper answers, kViolation where what answers
// is none, kIncompatible where it refuses. A keeper that hangs costs a call some four seconds, and
// eight where it took no connection either.
class KeeperClient {
 public:
  // At asks the keeper that listens at the socket `path`.
  static KeeperClient At(std::string path);

  // Through asks the keeper that has the other end of `channel` (channel.h), whichever process that
  // is at the moment. Where there is none for a while, calls wait for it.
  static KeeperClient Through(UniqueFd channel);

  // name returns what messages call the keeper: the path of its socket, or "the keeper of this
  // proxy".
  const std::string& name() const noexcept { return connections_->name(); }

  // Identities returns the identity `name`; all, where it is empty: a keeper of databases may have
  // none at all.
  Result<std::vector<KeptIdentity>> Identities(const std::string& name) const;

  // Notices returns what the keeper has passed over in its databases and why, each in one line.
  Result<std::vector<std::string>> Notices() const;

  // Sign asks for a signature. `request` is one of the types that sign, and lacks nothing.
  Result<std::vector<std::uint8_t>> Sign(const Frame& request) const;

  // Issue spends `token` for a certificate (DER) by the identity `name`, whose purpose is issuing,
  // of the key in `request` (PKCS #10, DER). A keeper that dies in between may have spent the
  // token, which the next then refuses. kMisuse where the two are larger than a frame.
  Result<std::vector<std::uint8_t>> Issue(const std::string& name, std::string_view token,
                                          std::span<const std::uint8_t> request) const;

 private:
  explicit KeeperClient(std::shared_ptr<KeeperConnections> connections)
      : connections_(std::move(connections)) {}

  std::shared_ptr<KeeperConnections> connections_;  // never null
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CLIENT_H_
