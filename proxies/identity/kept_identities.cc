#include "proxies/identity/kept_identities.h"

#include <fcntl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "program/crypto/crypto_types.h"
#include "program/file_uri.h"
#include "program/token_uri.h"
#include "provider/keeper/certificate_verify.h"
#include "provider/keeper/client.h"
#include "provider/keeper/frame.h"
#include "provider/keeper/signature_scheme.h"

namespace detach {

struct KeeperWay {
  KeeperClient client;
  std::string parameter;  // of the store URIs of its keys
  UniqueFd channel;       // which `parameter` names; not valid: it names a socket
};

namespace {

constexpr std::string_view kScheme = "identity:";

const char* PurposeText(Role role) { return role == Role::kServer ? "tls-server" : "tls-client"; }

bool IsFor(const KeptIdentity& kept, Role role) {
  return kept.purpose == (role == Role::kServer ? Purpose::kTlsServer : Purpose::kTlsClient);
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

Signer SignerOf(const KeeperWay& keeper, const KeptIdentity& kept) {
  return [client = keeper.client, name = kept.name, key = kept.key](
             std::uint16_t scheme, std::span<const std::uint8_t> message) {
    Frame request;
    request.argument = scheme;
    request.name = name;
    request.key = key;
    return SignBy(client, std::move(request), message);
  };
}

std::string UriOf(const std::string& name, const KeeperWay& keeper) {
  return std::string(kScheme) + name + '?' + keeper.parameter;
}

std::string_view SchemeOf(std::string_view uri) { return uri.substr(0, uri.find(':')); }

}  // namespace

bool IsKept(std::string_view uri) noexcept { return uri.starts_with(kScheme) || IsTokenUri(uri); }

std::shared_ptr<const KeeperWay> KeeperAt(const std::string& path) {
  return std::make_shared<const KeeperWay>(
      KeeperWay{KeeperClient::At(path), "socket=" + path, UniqueFd()});
}

Result<std::shared_ptr<const KeeperWay>> KeeperThrough(UniqueFd channel) {
  UniqueFd own(::fcntl(channel.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.valid()) return Internal(std::string("the keeper's channel: ") + std::strerror(errno));
  std::string parameter = "descriptor=" + std::to_string(channel.get());
  return std::make_shared<const KeeperWay>(
      KeeperWay{KeeperClient::Through(std::move(own)), std::move(parameter), std::move(channel)});
}

Result<KeptIdentities> KeptIdentities::Ask(std::shared_ptr<const KeeperWay> keeper, Role role,
                                           bool takes_signer) {
  const std::string& whose = keeper->client.name();
  const Result<std::vector<KeptIdentity>> all = keeper->client.Identities("");
  if (!all.ok()) {
    const bool named = all.status().message().starts_with(whose + ": ");
    const bool ours = keeper->channel.valid();
    return Misuse(
        (named ? "" : whose + ": ") + all.status().message() +
        (ours ? ""
              : "; does detach-keeper run there, and may this user ask it (allow_users, and the "
                "folder's group and mode)?"));
  }
  KeptIdentities identities;
  identities.role_ = role;
  identities.takes_signer_ = takes_signer;
  for (const KeptIdentity& kept : *all) {
    Named named = {kept.name, kept.location, nullptr};
    if (IsFor(kept, role)) {
      Identity identity{kept.chain, StoreUri{UriOf(kept.name, *keeper)}};
      if (takes_signer) identity.key = SignerOf(*keeper, kept);
      named.identity = std::make_shared<const Identity>(std::move(identity));
    }
    identities.identities_.push_back(std::move(named));
    if (std::optional<std::string> file = FilePath(kept.location)) {
      identities.key_files_.push_back(*std::move(file));
    }
  }
  Result<std::vector<std::string>> notices = keeper->client.Notices();
  if (!notices.ok()) return Misuse(whose + ": " + notices.status().message());
  identities.notices_ = *std::move(notices);
  identities.keeper_ = std::move(keeper);
  return identities;
}

Result<KeptIdentities> KeptIdentities::Again() const { return Ask(keeper_, role_, takes_signer_); }

std::string KeptIdentities::None(const std::string& which) const {
  std::string names;
  for (const Named& named : identities_) names += (names.empty() ? "" : ", ") + named.name;
  return keeper_->client.name() + " has no identity " + which + "; it has " + names;
}

Status KeptIdentities::NoneNamed(std::string_view name) const {
  return Misuse(None('"' + std::string(name) + '"'));
}

StoredIdentity KeptIdentities::Stored(const Named& named) {
  return {named.identity, {named.location + ", in the keeper"}};
}

Result<LoadedIdentities> KeptIdentities::Find(const std::string& uri) const {
  if (!keeper_) {
    return Misuse("\"" + uri +
                  "\" is in a keeper, and none is configured; add [keeper] with "
                  "socket = \"/run/detach/keeper/socket\", or a [[keeper.identity]] for each key");
  }
  LoadedIdentities found;
  if (uri == kScheme || IsTokenUri(uri)) {
    for (const Named& named : identities_) {
      const bool fits = uri == kScheme || SchemeOf(named.location) == SchemeOf(uri);
      if (named.identity && fits) found.identities.push_back(Stored(named));
    }
    if (uri == kScheme && found.identities.empty() && !identities_.empty()) {
      found.skipped.push_back(None("whose purpose is \"" + std::string(PurposeText(role_)) + '"'));
    }
    return found;
  }
  const std::string_view name = std::string_view(uri).substr(kScheme.size());
  const auto named = std::find_if(identities_.begin(), identities_.end(),
                                  [&](const Named& one) { return one.name == name; });
  if (named == identities_.end()) return NoneNamed(name);
  if (!named->identity) {
    return Misuse("the keeper has \"" + named->name + "\" for something else; name " +
                  "one whose purpose is \"" + PurposeText(role_) + "\" in its configuration");
  }
  found.identities.push_back(Stored(*named));
  return found;
}

Result<std::shared_ptr<const Identity>> KeptIdentities::FindOne(const std::string& uri) const {
  if (IsTokenUri(uri)) {
    return Misuse("\"" + uri + "\" may hold several identities; write it as the uri of a " +
                  "[[keeper.identity]], and here the name of that: identity:NAME");
  }
  if (keeper_ && uri == kScheme) return NoneNamed("");
  Result<LoadedIdentities> found = Find(uri);
  if (!found.ok()) return found.status();
  return found->identities.front().identity;
}

}  // namespace detach
