#include "proxies/config/settings.h"

#include <algorithm>
#include <optional>

#include "proxies/tunnel/authority.h"

namespace detach {
namespace {

std::optional<ListenAddress> ParseListen(const LocatedString& text) {
  const std::size_t colon = std::min(text.text.rfind(':'), text.text.size());
  const std::string_view port = std::string_view(text.text).substr(colon);
  std::string_view host = std::string_view(text.text).substr(0, colon);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> address = IpAddress::ParseCanonical(host);
  if (port.empty() || !address || address->is_ipv4() == brackets) return std::nullopt;
  if (port == ":0") return ListenAddress{*address, 0, text.position};
  const std::optional<std::uint16_t> number = ParsePort(port.substr(1));
  if (!number) return std::nullopt;
  return ListenAddress{*address, *number, text.position};
}

// What to do about a stack that is too old for our defaults, all of it at once.
std::string NoTls13(const OuterTls& tls) {
  return tls.backend.stack +
         " has no TLS 1.3; with it, set tls.min_version = \"1.2\", and detach.modes = "
         "[\"connect\"], or [] to never detach";
}

}  // namespace

bool ListenAddress::IsLoopback() const {
  constexpr std::uint8_t kIpv4Loopback = 127;
  if (address.is_ipv4()) return address.ipv4()[0] == kIpv4Loopback;
  return address == IpAddress::ParseCanonical("::1");
}

std::vector<ListenAddress> ReadListen(TomlTable& root) {
  std::vector<ListenAddress> addresses;
  for (const LocatedString& text : root.RequiredStrings("listen")) {
    if (std::optional<ListenAddress> address = ParseListen(text)) {
      addresses.push_back(*std::move(address));
    } else {
      root.Fail(text.position, "\"" + text.text +
                                   "\" is not an address to listen on; write an address literal "
                                   "and a port, as in \"127.0.0.1:8118\" or \"[::1]:8118\"");
    }
  }
  return addresses;
}

int ReadThreads(TomlTable& root) {
  constexpr int kMaxThreads = 1024;
  return static_cast<int>(root.Integer("threads", 0, 0, kMaxThreads));
}

OuterTls ReadOuterTls(TomlTable& tls) {
  const NamedBackend& preferred = NamedBackends().front();
  const LocatedString name = tls.String("backend", preferred.name);
  const LocatedString version = tls.Choice("min_version", {"1.2", "1.3"}, "1.3");
  OuterTls outer = {.backend = Loaded(tls, name, FindBackend(name.text), preferred),
                    .position = name.position,
                    .min_version = version.text == "1.2" ? TlsVersion::kTls12 : TlsVersion::kTls13};
  if (outer.backend.max_version < outer.min_version) tls.Fail(outer.position, NoTls13(outer));
  return outer;
}

DetachModes ReadDetachModes(TomlTable& root, const OuterTls& tls) {
  TomlTable detach = root.Table("detach");
  DetachModes modes = {.covered = !detach.Has("modes")};
  for (const LocatedString& mode : detach.Strings("modes")) {
    if (mode.text == "covered") {
      modes.covered = true;
    } else if (mode.text == "connect") {
      modes.connect = true;
    } else {
      detach.Fail(mode.position,
                  "\"" + mode.text + "\" is no mode; there are \"covered\" and \"connect\"");
    }
  }
  if (modes.covered && tls.backend.max_version != TlsVersion::kTls13) {
    detach.Fail(tls.position, NoTls13(tls));
  } else if (modes.covered && !modes.connect && tls.min_version != TlsVersion::kTls13) {
    detach.Fail(detach.position(),
                "modes = [\"covered\"] needs TLS 1.3: a connection of TLS 1.2 could never detach; "
                "set tls.min_version = \"1.3\", or add \"connect\"");
  }
  return modes;
}

LogSettings ReadLog(TomlTable& root) {
  TomlTable log = root.Table("log");
  const std::string level = log.Choice("level", {"debug", "info", "warning", "error"}, "info").text;
  const std::string format = log.Choice("format", {"text", "json"}, "text").text;
  return {.level = level == "debug"     ? LogLevel::kDebug
                   : level == "warning" ? LogLevel::kWarning
                   : level == "error"   ? LogLevel::kError
                                        : LogLevel::kInfo,
          .format = format == "json" ? LogFormat::kJson : LogFormat::kText};
}

}  // namespace detach
