#include "proxies/client/config.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "program/token_uri.h"
#include "proxies/client/proxy_url.h"
#include "proxies/identity/certificate_files.h"
#include "proxies/identity/identity_loader.h"

namespace detach {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

void CheckLoopback(TomlTable& root, const std::vector<ListenAddress>& addresses) {
  if (root.Bool("unsafe_listen", false)) return;
  for (const ListenAddress& address : addresses) {
    if (address.IsLoopback()) continue;
    root.Fail(address.position, address.address.ToString() +
                                    " is not a loopback address: everybody who reaches it could "
                                    "use your identities; unsafe_listen = true allows it");
  }
}

void Append(LoadedIdentities added, LoadedIdentities& all) {
  for (StoredIdentity& stored : added.identities) AddIdentity(std::move(stored), all.identities);
  std::move(added.skipped.begin(), added.skipped.end(), std::back_inserter(all.skipped));
}

// What `keeper` has of `uris` at another time. Of a name that it has no longer, it says so.
Result<LoadedIdentities> FindAgain(const KeptIdentities& keeper,
                                   const std::vector<std::string>& uris) {
  const Result<KeptIdentities> now = keeper.Again();
  if (!now.ok()) return now.status();
  LoadedIdentities all{{}, now->notices()};
  for (const std::string& uri : uris) {
    Result<LoadedIdentities> found = now->Find(uri);
    if (!found.ok()) all.skipped.push_back(found.status().message());
    if (found.ok()) Append(*std::move(found), all);
  }
  return all;
}

std::shared_ptr<CertificateDatabase> ReadDatabase(TomlTable& root, const NamedBackend& backend,
                                                  const StartKeeper& start) {
  const std::vector<LocatedString> uris = root.RequiredStrings("identities");
  const bool databases = std::ranges::any_of(uris, IsTokenUri, &LocatedString::text);
  const KeptIdentities keeper = ReadKeeper(root, Role::kClient, backend, start, databases);
  LoadedIdentities fixed;
  LoadedIdentities kept{{}, keeper.notices()};
  std::vector<std::string> kept_uris;
  for (const LocatedString& uri : uris) {
    if (IsKept(uri.text)) {
      Append(Loaded(root, uri, keeper.Find(uri.text)), kept);
      kept_uris.push_back(uri.text);
    } else {
      Append(Loaded(root, uri, LoadIdentities(uri.text)), fixed);
    }
  }
  CertificateDatabase::Source source;
  if (!kept_uris.empty()) {
    source = [keeper, uris = std::move(kept_uris)] { return FindAgain(keeper, uris); };
  }
  return std::make_shared<CertificateDatabase>(std::move(fixed), std::move(kept),
                                               std::move(source));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Bytes> ParseFingerprint(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr std::size_t kDigits = 64;
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  if (text.size() != kDigits) return std::nullopt;
  Bytes digest;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return digest;
}

// Whom to take for the reverse proxy: by its trust anchors and name, or by its key alone.
void ReadTrust(TomlTable& table, TlsConfig& tls) {
  const LocatedString anchors = table.String("trust_anchors");
  const LocatedString fingerprint = table.String("fingerprint");
  if (anchors.empty() == fingerprint.empty()) {
    table.Fail(table.position(),
               "\"reverse_proxy\" needs either trust_anchors or fingerprint, and not both");
  } else if (!anchors.empty()) {
    tls.trust_anchors = Loaded(table, anchors, LoadCertificates(anchors.text));
  } else {
    tls.pinned_spki_sha256 = ParseFingerprint(fingerprint.text);
    if (!tls.pinned_spki_sha256) {
      table.Fail(fingerprint.position,
                 "\"" + fingerprint.text +
                     "\" is no fingerprint; write sha256: and the 64 hex digits of the SHA-256 "
                     "of the key (SubjectPublicKeyInfo, DER)");
    }
  }
}

void ReadReverseProxy(TomlTable& root, TlsVersion min_version, ClientProxyConfig& config) {
  TomlTable table = root.Table("reverse_proxy");
  const LocatedString url = table.RequiredString("url");
  const LocatedString via = table.String("via");
  if (!url.empty()) {
    config.reverse_proxy = Loaded(table, url, ParseHttpsProxyUrl(url.text));
  }
  if (!via.empty()) config.via = Loaded(table, via, ParseHttpProxyUrl(via.text));
  config.tls.role = Role::kClient;
  config.tls.min_version = min_version;
  config.tls.reference_identity = config.reverse_proxy.host;
  config.tls.alpn = {"http/1.1"};
  ReadTrust(table, config.tls);
}

std::vector<HostPattern> ReadMappedHosts(TomlTable& root) {
  TomlTable mapping = root.Table("mapping");
  return Parsed<HostPattern>(mapping, mapping.RequiredStrings("hosts"), [](std::string_view text) {
    return HostPattern::Parse(text, PatternPort::kOptional);
  });
}

ClientProxyLimits ReadLimits(TomlTable& root) {
  constexpr int kMost = 1'000'000;
  TomlTable limits = root.Table("limits");
  return {.request = limits.Duration("request", seconds(5)),
          .dial = limits.Duration("dial", seconds(5)),
          .handshake = limits.Duration("handshake", seconds(10)),
          .response = limits.Duration("response", seconds(15)),
          .detach = limits.Duration("detach", seconds(10)),
          .idle = limits.Duration("idle", hours(1)),
          .lifetime = limits.Duration("lifetime", hours(24)),
          .drain = limits.Duration("drain", seconds(30)),
          .max_connections = static_cast<int>(limits.Integer("max_connections", 2000, 1, kMost))};
}

ClientProxyConfig Read(TomlTable& root, const StartKeeper& start) {
  ClientProxyConfig config;
  config.listen = ReadListen(root);
  CheckLoopback(root, config.listen);
  config.pid_file = root.String("pid_file");
  config.threads = ReadThreads(root);
  TomlTable tls = root.Table("tls");
  const OuterTls outer = ReadOuterTls(tls);
  config.backend = outer.backend.name;
  config.database = ReadDatabase(root, outer.backend, start);
  ReadReverseProxy(root, outer.min_version, config);
  config.detach = ReadDetachModes(root, outer);
  config.mapped_hosts = ReadMappedHosts(root);
  config.limits = ReadLimits(root);
  config.log = ReadLog(root);
  return config;
}

}  // namespace

Result<ClientProxyConfig> LoadClientProxyConfig(const std::string& path, const StartKeeper& start) {
  Result<TomlReader> reader = TomlReader::Open(path);
  if (!reader.ok()) return reader.status();
  TomlTable root = reader->root();
  ClientProxyConfig config = Read(root, start);
  if (Status status = reader->Finish(); !status.ok()) return status;
  return config;
}

}  // namespace detach
