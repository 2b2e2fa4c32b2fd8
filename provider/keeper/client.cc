#include "provider/keeper/client.h"

#include <utility>

#include "program/crypto/crypto_types.h"
#include "provider/keeper/exchange.h"

namespace detach {
namespace {

Result<std::vector<std::vector<std::uint8_t>>> ChainOf(Exchange& keeper, const std::string& name) {
  std::vector<std::uint8_t> chain;
  std::size_t size = 0;
  do {
    const Frame request = {.type = FrameType::kGetChain,
                           .position = static_cast<std::uint32_t>(chain.size()),
                           .name = name};
    const Result<Frame> reply = keeper.Ask(request, FrameType::kChain);
    if (!reply.ok()) return reply.status();
    size = reply->position;
    chain.insert(chain.end(), reply->payload.begin(), reply->payload.end());
    if (size > kMaxChainSize || chain.size() > size) {
      return Violation("keeper protocol: a chain that does not end");
    }
  } while (chain.size() < size);
  std::vector<std::vector<std::uint8_t>> certificates = SplitDer(chain);
  if (certificates.empty()) {
    return Violation("keeper protocol: identity \"" + name + "\" has a damaged chain");
  }
  return certificates;
}

std::string TextOf(const std::vector<std::uint8_t>& payload) {
  return {payload.begin(), payload.end()};
}

}  // namespace

KeeperClient KeeperClient::At(std::string path) {
  return KeeperClient(std::make_shared<KeeperConnections>(std::move(path)));
}

KeeperClient KeeperClient::Through(UniqueFd channel) {
  return KeeperClient(
      std::make_shared<KeeperConnections>("the keeper of this proxy", std::move(channel)));
}

Result<std::vector<KeptIdentity>> KeeperClient::Identities(const std::string& name) const {
  Exchange keeper(*connections_);
  std::vector<KeptIdentity> identities;
  std::uint32_t count = 1;
  for (std::uint32_t i = 0; i < count && i <= UINT16_MAX; ++i) {
    const Frame request = {.type = FrameType::kListIdentity,
                           .argument = static_cast<std::uint16_t>(i)};
    const Result<Frame> reply = keeper.Ask(request, FrameType::kIdentity);
    // A keeper of databases may have none, and fewer than a moment ago.
    if (!reply.ok() && reply.status().fault() == Fault::kIncompatible) break;
    if (!reply.ok()) return reply.status();
    count = reply->position;
    if (!name.empty() && name != reply->name) continue;
    auto chain = ChainOf(keeper, reply->name);
    // It has gone since: a card can be taken out at any moment.
    if (!chain.ok() && chain.status().fault() == Fault::kIncompatible) continue;
    if (!chain.ok()) return chain.status();
    const auto purpose = static_cast<Purpose>(reply->argument);
    identities.push_back(
        {reply->name, purpose, reply->key, TextOf(reply->payload), *std::move(chain)});
  }
  if (identities.empty() && !name.empty()) {
    return Incompatible("the keeper has no identity \"" + name + "\"");
  }
  return identities;
}

Result<std::vector<std::string>> KeeperClient::Notices() const {
  Exchange keeper(*connections_);
  std::vector<std::string> notices;
  std::uint32_t count = 1;
  for (std::uint32_t i = 0; i < count && i <= UINT16_MAX; ++i) {
    const Frame request = {.type = FrameType::kListNotice,
                           .argument = static_cast<std::uint16_t>(i)};
    const Result<Frame> reply = keeper.Ask(request, FrameType::kNotice);
    if (!reply.ok()) return reply.status();
    count = reply->position;
    if (i < count) notices.push_back(TextOf(reply->payload));
  }
  return notices;
}

Result<std::vector<std::uint8_t>> KeeperClient::Sign(const Frame& request) const {
  Exchange keeper(*connections_);
  Result<Frame> reply = keeper.Ask(request, FrameType::kSignature);
  if (!reply.ok()) return reply.status();
  return std::move(reply->payload);
}

Result<std::vector<std::uint8_t>> KeeperClient::Issue(const std::string& name,
                                                      std::string_view token,
                                                      std::span<const std::uint8_t> request) const {
  if (!IsIdentityName(name)) return Misuse("\"" + name + "\" cannot be the name of an identity");
  if (token.size() + request.size() > kMaxPayload || token.empty() || request.empty()) {
    return Misuse("a token and a certificate request have up to " + std::to_string(kMaxPayload) +
                  " bytes together, and none is empty");
  }
  Frame frame = {.type = FrameType::kIssue,
                 .argument = static_cast<std::uint16_t>(token.size()),
                 .name = name,
                 .payload = {token.begin(), token.end()}};
  frame.payload.insert(frame.payload.end(), request.begin(), request.end());
  Exchange keeper(*connections_);
  Result<Frame> reply = keeper.Ask(frame, FrameType::kIssued);
  if (!reply.ok()) return reply.status();
  return std::move(reply->payload);
}

}  // namespace detach
