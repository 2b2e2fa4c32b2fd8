#include "provider/keeper/config.h"

#include <openssl/crypto.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "program/trusted_file.h"

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
  if (purpose.text == "issuing") {
    table.Fail(purpose.position, "\"issuing\" is not in this version");
  } else if (purpose.text != "tls-server" && purpose.text != "tls-client") {
    table.Fail(purpose.position, "\"" + purpose.text +
                                     "\" is no purpose; there are \"tls-server\" and "
                                     "\"tls-client\"");
  }
  return purpose.text == "tls-client" ? Purpose::kTlsClient : Purpose::kTlsServer;
}

// The passphrase is the first line of the file that `passphrase_file` names.
std::string ReadPassphrase(TomlTable& table) {
  const LocatedString path = table.String("passphrase_file");
  if (path.empty()) return {};
  Result<std::string> text = ReadSecretFile(path.text);
  if (!text.ok()) {
    table.Fail(path.position, text.status().message());
    return {};
  }
  std::string line = text->substr(0, text->find_first_of("\r\n"));
  OPENSSL_cleanse(text->data(), text->size());
  if (line.empty()) table.Fail(path.position, path.text + ": the first line is empty");
  return line;
}

KeyAndChain ReadContent(TomlTable& table) {
  std::string passphrase = ReadPassphrase(table);
  const LocatedString uri = table.RequiredString("uri");
  Result<KeyAndChain> content = LoadKeyAndChain(uri.text, passphrase);
  OPENSSL_cleanse(passphrase.data(), passphrase.size());
  if (content.ok()) return *std::move(content);
  table.Fail(uri.position, content.status().message());
  return {};
}

// `purpose`: of a proxy's rows, which do not say it themselves.
KeeperIdentity ReadIdentity(TomlTable& table, std::optional<Purpose> purpose,
                            const std::vector<KeeperIdentity>& before) {
  constexpr int kMaxRate = 1'000'000;
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
  identity.unsafe_tls12 = table.Bool("unsafe_tls12", false);
  identity.signatures_per_second =
      static_cast<int>(table.Integer("signatures_per_second", 1000, 1, kMaxRate));
  identity.content = ReadContent(table);
  return identity;
}

// ReadKept reads what is to be kept: in `table`, which is all of a keeper's own file, or a part of
// a proxy's.
void ReadKept(TomlTable& table, std::optional<Purpose> purpose, KeeperConfig& config) {
  for (TomlTable& row : table.Tables("identity")) {
    config.identities.push_back(ReadIdentity(row, purpose, config.identities));
  }
  if (config.identities.empty()) {
    table.Fail(table.position(), "there is no identity to keep; add an [[identity]]");
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
  ReadKept(root, std::nullopt, config);
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
  KeeperConfig config;
  ReadKept(table, purpose, config);
  if (Status status = reader->Finish(); !status.ok()) return status;
  return config;
}

}  // namespace detach
