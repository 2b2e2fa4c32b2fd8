#include "provider/keepers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>

#include "bio/socket/unique_fd.h"
#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

constexpr std::string_view kScheme = "identity:";
constexpr std::string_view kSocket = "socket=";
constexpr std::string_view kDescriptor = "descriptor=";

// A descriptor of our own for what `number` is; none where it is no channel.
UniqueFd Duplicate(std::string_view number) {
  int descriptor = -1;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), descriptor);
  if (error != std::errc() || end != number.data() + number.size()) return {};
  if (descriptor < 0 || !IsPacketSocket(descriptor)) return {};
  return UniqueFd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
}

// The same for each descriptor of the same socket.
std::string NameOf(const UniqueFd& socket) {
  struct stat status = {};
  ::fstat(socket.get(), &status);
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// Get returns what `found` has under `name`; what `make` returns where nobody has that any more.
template <typename Make>
KeeperPtr Get(std::map<std::string, std::weak_ptr<const KeeperClient>>& found,
              const std::string& name, Make make) {
  std::erase_if(found, [](const auto& one) { return one.second.expired(); });
  if (const auto one = found.find(name); one != found.end()) {
    if (KeeperPtr keeper = one->second.lock()) return keeper;
  }
  KeeperPtr keeper = std::make_shared<const KeeperClient>(make());
  found[name] = keeper;
  return keeper;
}

}  // namespace

IdentityUri SplitIdentityUri(std::string_view uri) {
  uri.remove_prefix(kScheme.size());
  const std::size_t mark = uri.find('?');
  if (mark == std::string_view::npos) return {std::string(uri), {}};
  return {std::string(uri.substr(0, mark)), std::string(uri.substr(mark + 1))};
}

Result<KeeperPtr> Keepers::Find(const std::string& query) {
  const std::string_view text = query;
  if (text.starts_with(kSocket)) return AtSocket(query.substr(kSocket.size()));
  if (text.starts_with(kDescriptor)) return BehindDescriptor(text.substr(kDescriptor.size()));
  if (!text.empty()) {
    return Misuse("\"?" + query + "\": behind the name of an identity can stand ?socket=PATH, or " +
                  "?descriptor=NUMBER, or nothing");
  }
  if (!socket_.empty()) return AtSocket(socket_);
  return Misuse(
      "no keeper is named: the provider's section of openssl.cnf lacks \"socket\", and the URI "
      "\"?socket=PATH\"");
}

Result<KeeperPtr> Keepers::AtSocket(std::string path) {
  const std::lock_guard lock(mutex_);
  return Get(found_, path, [&] { return KeeperClient::At(path); });
}

Result<KeeperPtr> Keepers::BehindDescriptor(std::string_view number) {
  UniqueFd channel = Duplicate(number);
  if (!channel.valid()) {
    return Misuse(
        "\"?descriptor=" + std::string(number) +
        "\": this is no channel to a keeper (a socket of SOCK_SEQPACKET) in this process");
  }
  const std::lock_guard lock(mutex_);
  return Get(found_, NameOf(channel), [&] { return KeeperClient::Through(std::move(channel)); });
}

}  // namespace detach
