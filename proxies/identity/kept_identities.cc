#include "proxies/identity/kept_identities.h"

#include <openssl/evp.h>

#include <algorithm>
#include <span>
#include <utility>

#include "program/crypto/crypto_types.h"
#include "provider/keeper/certificate_verify.h"
#include "provider/keeper/client.h"
#include "provider/keeper/frame.h"
#include "provider/keeper/signature_scheme.h"
#include "proxies/config/settings.h"
#include "proxies/identity/keeper_provider.h"

namespace detach {
namespace {

constexpr std::string_view kScheme = "identity:";

const char* PurposeText(Role role) { return role == Role::kServer ? "tls-server" : "tls-client"; }

bool IsFor(const KeptIdentity& kept, Role role) {
  return kept.purpose == (role == Role::kServer ? Purpose::kTlsServer : Purpose::kTlsClient);
}

// ChainOf takes apart certificates that stand one behind the other. DER says how long it is.
Result<std::vector<Bytes>> ChainOf(const KeptIdentity& kept) {
  std::vector<Bytes> chain;
  const unsigned char* at = kept.chain.data();
  const unsigned char* const end = at + kept.chain.size();
  while (at != end) {
    const unsigned char* const begin = at;
    const X509Ptr certificate(d2i_X509(nullptr, &at, end - at));
    if (!certificate) break;
    chain.emplace_back(begin, at);
  }
  if (at == end && !chain.empty()) return chain;
  return Violation("its identity \"" + kept.name + "\" has a damaged chain" + TakeCryptoError());
}

Result<Bytes> Digest(const SignatureScheme& scheme, std::span<const std::uint8_t> message) {
  Bytes digest(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, std::string(scheme.digest).c_str(), nullptr, message.data(),
                   message.size(), digest.data(), &size) != 1) {
    return Internal("a digest cannot be computed" + TakeCryptoError());
  }
  digest.resize(size);
  return digest;
}

// As detach.so asks: for TLS 1.3 the keeper sees what it signs, for TLS 1.2 a digest.
Result<Bytes> SignBy(const KeeperClient& keeper, Frame request,
                     std::span<const std::uint8_t> message) {
  const SignatureScheme* scheme = FindSignatureScheme(request.argument);
  if (scheme == nullptr) return Incompatible("no key in a keeper signs by this scheme of TLS");
  if (CertificateVerifyRole(message)) {
    request.type = FrameType::kSignCertificateVerify;
    request.payload.assign(message.begin(), message.end());
    return keeper.Sign(request);
  }
  Result<Bytes> digest = Digest(*scheme, message);
  if (!digest.ok()) return digest.status();
  request.type = FrameType::kSignTls12Digest;
  request.payload = *std::move(digest);
  return keeper.Sign(request);
}

Signer SignerOf(const std::string& socket, const KeptIdentity& kept) {
  return [keeper = KeeperClient::At(socket), name = kept.name, key = kept.key](
             std::uint16_t scheme, std::span<const std::uint8_t> message) {
    Frame request;
    request.argument = scheme;
    request.name = name;
    request.key = key;
    return SignBy(keeper, std::move(request), message);
  };
}

StoredIdentity Stored(const std::string& name, std::shared_ptr<const Identity> identity) {
  return {std::move(identity), {std::string(kScheme) + name + ", in the keeper"}};
}

}  // namespace

bool IsKept(std::string_view uri) noexcept { return uri.starts_with(kScheme); }

Result<KeptIdentities> KeptIdentities::Ask(const std::string& socket, Role role,
                                           bool takes_signer) {
  const Result<std::vector<KeptIdentity>> all = KeeperClient::At(socket).Identities("");
  if (!all.ok()) {
    const bool named = all.status().fault() == Fault::kTransport;
    return Misuse((named ? "" : socket + ": ") + all.status().message() +
                  "; is it detach-keeper's socket, and does it run?");
  }
  KeptIdentities identities;
  identities.socket_ = socket;
  identities.role_ = role;
  identities.takes_signer_ = takes_signer;
  for (const KeptIdentity& kept : *all) {
    Result<std::vector<Bytes>> chain = ChainOf(kept);
    if (!chain.ok()) return Misuse(socket + ": " + chain.status().message());
    Named named = {kept.name, nullptr};
    if (IsFor(kept, role)) {
      Identity identity{*std::move(chain), StoreUri{std::string(kScheme) + kept.name}};
      if (takes_signer) identity.key = SignerOf(socket, kept);
      named.identity = std::make_shared<const Identity>(std::move(identity));
    }
    identities.identities_.push_back(std::move(named));
  }
  return identities;
}

Result<KeptIdentities> KeptIdentities::Again() const { return Ask(socket_, role_, takes_signer_); }

Status KeptIdentities::NoneNamed(std::string_view name) const {
  std::string names;
  for (const Named& named : identities_) names += (names.empty() ? "" : ", ") + named.name;
  return Misuse("the keeper at " + socket_ + " has no identity \"" + std::string(name) +
                "\"; it has " + names);
}

Result<LoadedIdentities> KeptIdentities::Find(const std::string& uri) const {
  if (socket_.empty()) {
    return Misuse("\"" + uri + "\" is in a keeper, and none is configured; add [keeper] with " +
                  "socket = \"/run/detach/keeper/socket\"");
  }
  LoadedIdentities found;
  if (uri == kScheme) {
    for (const Named& named : identities_) {
      if (named.identity) found.identities.push_back(Stored(named.name, named.identity));
    }
    return found;
  }
  const std::string_view name = std::string_view(uri).substr(kScheme.size());
  const auto named = std::find_if(identities_.begin(), identities_.end(),
                                  [&](const Named& one) { return one.name == name; });
  if (named == identities_.end()) return NoneNamed(name);
  if (!named->identity) {
    return Misuse("the keeper signs with \"" + named->name + "\" as the other side of TLS; name " +
                  "one whose purpose is \"" + PurposeText(role_) + "\" in its configuration");
  }
  found.identities.push_back(Stored(named->name, named->identity));
  return found;
}

Result<std::shared_ptr<const Identity>> KeptIdentities::FindOne(const std::string& uri) const {
  if (!socket_.empty() && uri == kScheme) return NoneNamed("");
  Result<LoadedIdentities> found = Find(uri);
  if (!found.ok()) return found.status();
  return found->identities.front().identity;
}

KeptIdentities ReadKeeper(TomlTable& root, Role role, const NamedBackend& backend) {
  if (!root.Has("keeper")) return {};
  TomlTable table = root.Table("keeper");
  const LocatedString socket = table.RequiredString("socket");
  const LocatedString provider = table.String("provider");
  if (socket.empty()) return {};
  KeptIdentities identities =
      Loaded(table, socket, KeptIdentities::Ask(socket.text, role, backend.takes_signer));
  if (backend.takes_signer) return identities;
  if (Status status = LoadKeeperProvider(socket.text, provider.text); !status.ok()) {
    table.Fail(provider.empty() ? socket.position : provider.position, status.message());
  }
  return identities;
}

}  // namespace detach
