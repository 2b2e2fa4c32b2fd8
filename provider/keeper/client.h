// Asking a keeper.
#ifndef DETACH_PROVIDER_KEEPER_CLIENT_H_
#define DETACH_PROVIDER_KEEPER_CLIENT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/frame.h"

namespace detach {

// KeptIdentity is what a keeper tells about one identity.
struct KeptIdentity {
  std::string name;
  Purpose purpose = Purpose::kTlsServer;
  KeyId key = {};
  std::string location;             // of the key, for a person
  std::vector<std::uint8_t> chain;  // DER, one certificate behind the other, the key's own first
};

// KeeperClient asks the keeper at a socket. Each call makes a connection of its own: so it may be
// used by any number of threads, on both sides of a fork, by a program that closes descriptors it
// does not know, and a keeper that was started again is simply there.
//
// Errors: kTransport (beginning with the socket's path) where no keeper answers, kViolation where
// what answers is none, kIncompatible where it refuses. Blocks for at most some ten seconds.
class KeeperClient {
 public:
  explicit KeeperClient(std::string socket) : socket_(std::move(socket)) {}

  // Identities returns the identity `name`; all, where it is empty.
  Result<std::vector<KeptIdentity>> Identities(const std::string& name) const;

  // Notices returns what the keeper has passed over in its databases and why, each in one line.
  Result<std::vector<std::string>> Notices() const;

  // Sign asks for a signature. `request` is one of the types that sign, and lacks nothing.
  Result<std::vector<std::uint8_t>> Sign(const Frame& request) const;

 private:
  std::string socket_;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CLIENT_H_
