#include "provider/keeper/config.h"

#include <openssl/crypto.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "program/token_uri.h"
#include "program/trusted_file.h"
#include "provider/keeper/issuing/issuer_config.h"
#include "provider/keeper/pkcs11/token_reader.h"

namespace detach {
namespace {

std::vector<uid_t> ReadUsers(TomlTable& root) {
  std::vector<uid_t> users = {::geteuid()};
  for (const LocatedString& name : root.Strings("allow_users")) {
    const passwd* user = ::getpwnam(name.text.c_str());
    if (user == nullptr) {
      root.Fail(name.position, "\"" + name.text + "\" is no user of this machine");
    } else {
      users.push_back(user->pw_uid);
    }
  }
  return users;
}

Purpose ReadPurpose(TomlTable& table) {
  const LocatedString purpose = table.RequiredString("purpose");
  if (purpose.text == "issuing") return Purpose::kIssuing;
  if (purpose.text != "tls-server" && purpose.text != "tls-client") {
    table.Fail(purpose.position, "\"" + purpose.text +
                                     "\" is no purpose; there are \"tls-server\", "
                                     "\"tls-client\" and \"issuing\"");
  }
  return purpose.text == "tls-client" ? Purpose::kTlsClient : Purpose::kTlsServer;
}

// The passphrase is the first line of the file that `passphrase_file` names.
std::string ReadPassphrase(TomlTable& table) {
  const LocatedString path = table.String("passphrase_file");
  if (path.empty()) return {};
  Result<std::string> line = ReadSecretLine(path.text);
  if (line.ok()) return *std::move(line);
  table.Fail(path.position, line.status().message());
  return {};
}

std::string Joined(const std::vector<std::string>& notices) {
  std::string text;
  for (const std::string& notice : notices) text += (text.empty() ? "" : "; ") + notice;
  return text;
}

// ReadTokenContent returns the one identity that `uri` means.
KeyAndChain ReadTokenContent(TomlTable& table, const LocatedString& uri, TokenReader& tokens) {
  if (table.Has("passphrase_file")) {
    table.Fail(table.String("passphrase_file").position,
               "\"passphrase_file\" is for file: URIs; this one says itself where its PIN is: "
               "?pin-source=file:/path");
  }
  FoundIdentities found = tokens.Read(uri.text);
  if (found.identities.size() == 1) return std::move(found.identities.front());
  if (found.identities.empty()) {
    table.Fail(uri.position, Joined(found.notices));
  } else {
    table.Fail(uri.position, "there are " + std::to_string(found.identities.size()) +
                                 " identities; name one of them by object= or id=, or all of them "
                                 "by a [[database]]");
  }
  return {};
}

KeyAndChain ReadContent(TomlTable& table, TokenReader& tokens) {
  const LocatedString uri = table.RequiredString("uri");
  if (tokens.Expects(uri.text)) return ReadTokenContent(table, uri, tokens);
  std::string passphrase = ReadPassphrase(table);
  Result<KeyAndChain> content = LoadKeyAndChain(uri.text, passphrase);
  OPENSSL_cleanse(passphrase.data(), passphrase.size());
  if (content.ok()) return *std::move(content);
  table.Fail(uri.position, content.status().message());
  return {};
}

int ReadRate(TomlTable& table) {
  constexpr int kMaxRate = 1'000'000;
  return static_cast<int>(table.Integer("signatures_per_second", 1000, 1, kMaxRate));
}

// With unsafe_tls12, whoever asks could have a certificate signed by a CA's key.
void KeepCasApart(TomlTable& table, const KeeperIdentity& identity,
                  const std::vector<KeeperIdentity>& before) {
  const bool issues = identity.purpose == Purpose::kIssuing;
  for (const KeeperIdentity& other : before) {
    if ((other.purpose == Purpose::kIssuing) == issues) continue;
    if (other.content.key_id != identity.content.key_id) continue;
    table.Fail(table.String("uri").position,
               "has the same key as \"" + other.name +
                   "\"; a key that issues certificates must sign nothing else");
  }
}

// `purpose`: of a proxy's rows, which do not say it themselves.
KeeperIdentity ReadIdentity(TomlTable& table, std::optional<Purpose> purpose,
                            const std::vector<KeeperIdentity>& before, TokenReader& tokens) {
  const LocatedString name = table.RequiredString("name");
  if (!IsIdentityName(name.text)) {
    table.Fail(name.position, "\"" + name.text +
                                  "\" cannot be a name; write up to 64 lower-case letters, digits "
                                  "and, between them, '.', '_' and '-'");
  }
  if (std::any_of(before.begin(), before.end(),
                  [&](const KeeperIdentity& other) { return other.name == name.text; })) {
    table.Fail(name.position, "there are two identities \"" + name.text + "\"");
  }
  KeeperIdentity identity;
  identity.name = name.text;
  identity.purpose = purpose ? *purpose : ReadPurpose(table);
  identity.signatures_per_second = ReadRate(table);
  identity.content = ReadContent(table, tokens);
  if (identity.purpose == Purpose::kIssuing) {
    identity.issuer = ReadIssuer(table, identity.content);
  } else {
    identity.unsafe_tls12 = table.Bool("unsafe_tls12", false);
    if (!identity.content.signs_pss && !identity.unsafe_tls12) {
      table.Fail(
          table.String("uri").position,
          "its token cannot sign by RSA-PSS, and so not for TLS 1.3; take an EC key, or another "
          "token");
    }
  }
  KeepCasApart(table, identity, before);
  return identity;
}

KeptDatabase ReadDatabase(TomlTable& table) {
  KeptDatabase database;
  const LocatedString uri = table.RequiredString("uri");
  database.uri = uri.text;
  if (!IsTokenUri(uri.text)) {
    table.Fail(uri.position, "\"" + uri.text + "\": a database is at a pkcs11: or browser: URI");
  }
  database.purpose = ReadPurpose(table);
  if (database.purpose == Purpose::kIssuing) {
    table.Fail(table.String("purpose").position,
               "a CA is named by an [[identity]], not found in a database");
  }
  database.unsafe_tls12 = table.Bool("unsafe_tls12", false);
  database.signatures_per_second = ReadRate(table);
  return database;
}

// Expect tells `tokens` of all that it will be asked for: before the first question.
void Expect(TomlTable& table, const LocatedString& uri, TokenReader& tokens) {
  if (!IsTokenUri(uri.text)) return;
  if (Status status = tokens.Expect(uri.text); !status.ok()) {
    table.Fail(uri.position, status.message());
  }
}

// ReadKept reads what is to be kept: in `table`, which is all of a keeper's own file, or a part of
// a proxy's, whose `databases` stand elsewhere.
void ReadKept(TomlTable& table, std::optional<Purpose> purpose,
              const std::vector<LocatedString>& databases, KeeperConfig& config) {
  auto tokens = std::make_unique<TokenReader>(table.String("pkcs11_provider").text);
  std::vector<TomlTable> identity_rows = table.Tables("identity");
  std::vector<TomlTable> database_rows;
  if (!purpose) database_rows = table.Tables("database");
  for (TomlTable& row : identity_rows) Expect(row, row.RequiredString("uri"), *tokens);
  for (TomlTable& row : database_rows) Expect(row, row.RequiredString("uri"), *tokens);
  for (const LocatedString& uri : databases) Expect(table, uri, *tokens);
  for (TomlTable& row : identity_rows) {
    config.identities.push_back(ReadIdentity(row, purpose, config.identities, *tokens));
  }
  std::vector<KeptDatabase> kept;
  for (TomlTable& row : database_rows) kept.push_back(ReadDatabase(row));
  for (const LocatedString& uri : databases) {
    if (IsTokenUri(uri.text)) kept.push_back({.uri = uri.text, .purpose = *purpose});
  }
  if (config.identities.empty() && kept.empty()) {
    table.Fail(table.position(), "there is no identity to keep; add an [[identity]]");
  }
  if (!tokens->empty()) {
    config.pkcs11_use = tokens->OnlyDatabases() ? Pkcs11Use::kDatabases : Pkcs11Use::kModules;
  }
  if (!kept.empty()) {
    config.databases = std::make_unique<Databases>(std::move(kept), std::move(tokens));
  }
}

}  // namespace

Result<KeeperConfig> LoadKeeperConfig(const std::string& path) {
  Result<TomlReader> reader = TomlReader::Open(path);
  if (!reader.ok()) return reader.status();
  TomlTable root = reader->root();
  KeeperConfig config;
  config.socket = root.String("socket");
  config.allow_users = ReadUsers(root);
  ReadKept(root, std::nullopt, {}, config);
  if (Status status = reader->Finish(); !status.ok()) return status;
  return config;
}

Result<KeeperConfig> LoadKeeperOfProxy(const std::string& path, Purpose purpose) {
  Result<TomlReader> reader = TomlReader::Open(path);
  if (!reader.ok()) return reader.status();
  TomlTable root = reader->root();
  root.LeaveTheRest();
  TomlTable table = root.Table("keeper");
  table.LeaveTheRest();
  std::vector<LocatedString> databases;
  if (purpose == Purpose::kTlsClient) databases = root.Strings("identities");
  KeeperConfig config;
  ReadKept(table, purpose, databases, config);
  if (Status status = reader->Finish(); !status.ok()) return status;
  return config;
}

}  // namespace detach
