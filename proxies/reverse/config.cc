#include "proxies/reverse/config.h"

#include <optional>
#include <utility>

#include "proxies/identity/certificate_files.h"
#include "proxies/identity/identity_loader.h"

namespace detach {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

using Files = std::vector<std::string>;

void ReadIdentity(TomlTable& tls, const KeptIdentities& keeper, TlsConfig& config, Files& files) {
  const LocatedString identity = tls.RequiredString("identity");
  if (identity.empty()) return;
  if (IsKept(identity.text)) {
    config.identity = Loaded(tls, identity, keeper.FindOne(identity.text));
    return;
  }
  config.identity = Loaded(tls, identity, LoadIdentity(identity.text));
  if (Result<std::string> path = IdentityPath(identity.text); path.ok()) files.push_back(*path);
}

void ReadTrustAnchors(TomlTable& tls, TlsConfig& config, Files& files) {
  const LocatedString anchors = tls.RequiredString("client_trust_anchors");
  if (anchors.empty()) return;
  config.trust_anchors = Loaded(tls, anchors, LoadCertificates(anchors.text));
  files.push_back(anchors.text);
}

void ReadCrls(TomlTable& tls, TlsConfig& config, Files& files) {
  const LocatedString crl = tls.RequiredString("crl");
  if (crl.empty() || crl.text == "none") return;  // said explicitly, or complained of
  files.push_back(crl.text);
  config.check_revocation = true;
  config.crls = Loaded(tls, crl, LoadCrls(crl.text));
  if (Status status = CheckCrlsCover(config.trust_anchors, config.crls); !status.ok()) {
    tls.Fail(crl.position, crl.text + ": " + status.message());
  }
}

TlsConfig ReadTls(TomlTable& tls, TlsVersion min_version, const KeptIdentities& keeper,
                  Files& files) {
  TlsConfig config;
  config.role = Role::kServer;
  config.peer_certificate = PeerCertificate::kRequired;
  config.alpn = {"http/1.1"};
  config.min_version = min_version;
  ReadIdentity(tls, keeper, config, files);
  ReadTrustAnchors(tls, config, files);
  ReadCrls(tls, config, files);
  return config;
}

// A stack that knows nothing of detaching is left in both directions at once.
Pairing ReadPairing(TomlTable& tls, const OuterTls& outer, const DetachModes& modes) {
  const LocatedString pairing = tls.Choice("pairing", {"none", "loopback"}, "none");
  if (pairing.text == "none") return Pairing::kNone;
  if (outer.backend.name != "openssl") {
    tls.Fail(pairing.position,
             "pairing = \"loopback\" is for the stock libssl; set backend = \"openssl\"");
  } else if (modes.covered || !modes.connect) {
    tls.Fail(pairing.position,
             "pairing = \"loopback\" leaves TLS in both directions at once; set detach.modes = "
             "[\"connect\"]");
  }
  return Pairing::kLoopback;
}

std::vector<HostPattern> ReadDestinations(TomlTable& row) {
  return Parsed<HostPattern>(row, row.RequiredStrings("destinations"), [](std::string_view text) {
    return HostPattern::Parse(text, PatternPort::kRequired);
  });
}

// Without the key, the default; an empty list would look like "nowhere" and is refused.
std::vector<Network> ReadNetworks(TomlTable& row) {
  if (!row.Has("networks")) return {};
  return Parsed<Network>(row, row.RequiredStrings("networks"), Network::Parse);
}

std::optional<AllowRow> ReadAllowRow(TomlTable& row) {
  const LocatedString client = row.RequiredString("client");
  std::vector<HostPattern> destinations = ReadDestinations(row);
  std::vector<Network> networks = ReadNetworks(row);
  const bool detach = row.Bool("detach", true);
  const Result<ClientPattern> pattern = ClientPattern::Parse(client.text);
  if (!pattern.ok()) {
    row.Fail(client.position, pattern.status().message());
    return std::nullopt;
  }
  return AllowRow{*pattern, std::move(destinations), std::move(networks), detach};
}

std::vector<AllowRow> ReadAllow(TomlTable& root) {
  std::vector<AllowRow> rows;
  for (TomlTable& row : root.Tables("allow")) {
    if (std::optional<AllowRow> read = ReadAllowRow(row)) rows.push_back(*std::move(read));
  }
  return rows;
}

ReverseProxyLimits ReadLimits(TomlTable& root) {
  constexpr int kMost = 1'000'000;
  TomlTable limits = root.Table("limits");
  const auto count = [&limits](const char* key, int absent) {
    return static_cast<int>(limits.Integer(key, absent, 1, kMost));
  };
  return {.handshake = limits.Duration("handshake", seconds(10)),
          .request = limits.Duration("request", seconds(5)),
          .dial = limits.Duration("dial", seconds(5)),
          .detach = limits.Duration("detach", seconds(10)),
          .idle = limits.Duration("idle", hours(1)),
          .lifetime = limits.Duration("lifetime", hours(24)),
          .drain = limits.Duration("drain", seconds(30)),
          .max_connections = count("max_connections", 20000),
          .max_handshakes = count("max_handshakes", 500),
          .max_tunnels_per_client = count("max_tunnels_per_client", 1000),
          .max_connections_per_source = count("max_connections_per_source", 2000)};
}

ReverseProxyConfig Read(TomlTable& root, const StartKeeper& start) {
  ReverseProxyConfig config;
  config.listen = ReadListen(root);
  config.pid_file = root.String("pid_file");
  config.threads = ReadThreads(root);
  TomlTable tls = root.Table("tls");
  const OuterTls outer = ReadOuterTls(tls);
  config.backend = outer.backend.name;
  config.keeper = ReadKeeper(root, Role::kServer, outer.backend, start);
  config.tls = ReadTls(tls, outer.min_version, config.keeper, config.files);
  config.detach = ReadDetachModes(root, outer);
  config.pairing = ReadPairing(tls, outer, config.detach);
  config.allow = ReadAllow(root);
  config.limits = ReadLimits(root);
  config.log = ReadLog(root);
  return config;
}

}  // namespace

Result<ReverseProxyConfig> LoadReverseProxyConfig(const std::string& path,
                                                  const StartKeeper& start) {
  Result<TomlReader> reader = TomlReader::Open(path);
  if (!reader.ok()) return reader.status();
  TomlTable root = reader->root();
  ReverseProxyConfig config = Read(root, start);
  config.files.push_back(path);
  if (Status status = reader->Finish(); !status.ok()) return status;
  return config;
}

}  // namespace detach
