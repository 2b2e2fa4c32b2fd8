// The settings that both proxies have, as values.
#ifndef DETACH_PROXIES_CONFIG_SETTINGS_H_
#define DETACH_PROXIES_CONFIG_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bio/backend/by_name/named_backend.h"
#include "bio/backend/tls_config.h"
#include "program/toml_reader.h"
#include "proxies/log/log.h"
#include "proxies/tunnel/ip_address.h"

namespace detach {

// ListenAddress is where to accept connections.
struct ListenAddress {
  IpAddress address;
  std::uint16_t port;    // 0: the system chooses
  std::string position;  // "path:line:column", for a port that turns out to be taken

  bool IsLoopback() const;
};

// DetachModes are the values of `when` (docs/PROTOCOL.md) that this side agrees to. Neither: never.
struct DetachModes {
  bool covered = false;
  bool connect = false;
};

// OuterTls is by what, and from which version on, the two proxies speak TLS with each other.
struct OuterTls {
  NamedBackend backend;
  std::string position;  // "path:line:column" of its name
  TlsVersion min_version;
};

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

// The readers leave their complaints with the table.

// ReadListen reads `listen`, at least one.
std::vector<ListenAddress> ReadListen(TomlTable& root);

// ReadThreads reads `threads`; 0: one per processor.
int ReadThreads(TomlTable& root);

// ReadOuterTls reads `tls.backend` and `tls.min_version`, and whether the one reaches the other.
OuterTls ReadOuterTls(TomlTable& tls);

// ReadDetachModes reads `detach.modes`, and whether the outer TLS can do them.
DetachModes ReadDetachModes(TomlTable& root, const OuterTls& tls);

// ReadLog reads `log.level` and `log.format`.
LogSettings ReadLog(TomlTable& root);

// Parsed returns what `parse` makes of each text. A failure is the fault of that text.
template <typename T, typename Parse>
std::vector<T> Parsed(TomlTable& table, const std::vector<LocatedString>& texts, Parse parse) {
  std::vector<T> values;
  for (const LocatedString& text : texts) {
    Result<T> value = parse(text.text);
    if (value.ok()) {
      values.push_back(*std::move(value));
    } else {
      table.Fail(text.position, value.status().message());
    }
  }
  return values;
}

// Loaded gives back what a loader returned. A failure is the fault of what stands at `place`.
template <typename T>
T Loaded(TomlTable& table, const LocatedString& place, Result<T> result, T otherwise = {}) {
  if (result.ok()) return *std::move(result);
  table.Fail(place.position, result.status().message());
  return otherwise;
}

}  // namespace detach

#endif  // DETACH_PROXIES_CONFIG_SETTINGS_H_
