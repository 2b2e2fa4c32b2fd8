#include "provider/keeper/client.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "provider/keeper/channel.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

constexpr std::size_t kMaxChainSize = 64 << 10;

// Exchange is one connection's conversation.
class Exchange {
 public:
  Exchange(const std::string& name, UniqueFd socket) : name_(name), socket_(std::move(socket)) {}

  // Ask returns the reply to `request`, which is of type `expected`.
  Result<Frame> Ask(const Frame& request, FrameType expected) const {
    const FrameBytes bytes = EncodeFrame(request);
    std::array<std::uint8_t, kFrameSize + 1> answer;
    if (::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return Broken();
    ssize_t size = 0;
    do {
      size = ::recv(socket_.get(), answer.data(), answer.size(), 0);
    } while (size < 0 && errno == EINTR);
    if (size < 0) return Broken();
    if (size == 0) return Transport(name_ + ": the keeper has ended the connection");
    return Judge(DecodeFrame(std::span(answer).first(static_cast<std::size_t>(size))), expected);
  }

 private:
  Result<Frame> Judge(Result<Frame> reply, FrameType expected) const {
    if (!reply.ok() || reply->type == expected) return reply;
    if (reply->type != FrameType::kRefused) {
      return Violation("keeper protocol: a reply to another request");
    }
    const std::string_view reason = RefusalText(static_cast<Refusal>(reply->argument));
    return Incompatible("the keeper refuses: " + std::string(reason));
  }

  Status Broken() const {
    const bool silent = errno == EAGAIN;
    return Transport(name_ + ": " +
                     (silent ? "has not answered for ten seconds" : std::strerror(errno)));
  }

  const std::string& name_;
  UniqueFd socket_;
};

Result<std::vector<std::uint8_t>> ChainOf(const Exchange& keeper, const std::string& name) {
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
  return chain;
}

std::string TextOf(const std::vector<std::uint8_t>& payload) {
  return {payload.begin(), payload.end()};
}

}  // namespace

struct KeeperClient::Way {
  std::string name;
  UniqueFd channel;  // not valid: `name` is the path of a socket

  Result<UniqueFd> Connect() const {
    if (!channel.valid()) return ConnectTo(name);
    Result<UniqueFd> socket = ConnectThrough(channel.get());
    if (socket.ok()) return socket;
    return Status(socket.status().fault(), name + ": " + socket.status().message());
  }
};

KeeperClient KeeperClient::At(std::string path) {
  return KeeperClient(std::make_shared<const Way>(Way{std::move(path), {}}));
}

KeeperClient KeeperClient::Through(UniqueFd channel) {
  GiveUpAfterTenSeconds(channel.get());
  return KeeperClient(
      std::make_shared<const Way>(Way{"the keeper of this proxy", std::move(channel)}));
}

const std::string& KeeperClient::name() const noexcept { return way_->name; }

Result<std::vector<KeptIdentity>> KeeperClient::Identities(const std::string& name) const {
  Result<UniqueFd> socket = way_->Connect();
  if (!socket.ok()) return socket.status();
  const Exchange keeper(way_->name, *std::move(socket));
  std::vector<KeptIdentity> identities;
  std::uint32_t count = 1;
  for (std::uint32_t i = 0; i < count && i <= UINT16_MAX; ++i) {
    const Frame request = {.type = FrameType::kListIdentity,
                           .argument = static_cast<std::uint16_t>(i)};
    const Result<Frame> reply = keeper.Ask(request, FrameType::kIdentity);
    if (!reply.ok()) return reply.status();
    count = reply->position;
    if (!name.empty() && name != reply->name) continue;
    Result<std::vector<std::uint8_t>> chain = ChainOf(keeper, reply->name);
    if (!chain.ok()) return chain.status();
    const auto purpose = static_cast<Purpose>(reply->argument);
    identities.push_back(
        {reply->name, purpose, reply->key, TextOf(reply->payload), *std::move(chain)});
  }
  if (identities.empty()) return Incompatible("the keeper has no identity \"" + name + "\"");
  return identities;
}

Result<std::vector<std::string>> KeeperClient::Notices() const {
  Result<UniqueFd> socket = way_->Connect();
  if (!socket.ok()) return socket.status();
  const Exchange keeper(way_->name, *std::move(socket));
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
  Result<UniqueFd> socket = way_->Connect();
  if (!socket.ok()) return socket.status();
  const Exchange keeper(way_->name, *std::move(socket));
  Result<Frame> reply = keeper.Ask(request, FrameType::kSignature);
  if (!reply.ok()) return reply.status();
  return std::move(reply->payload);
}

}  // namespace detach
