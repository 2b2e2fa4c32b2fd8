#include "proxies/tunnel/authority.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace detach {
namespace {

// RFC 1035 §2.3.4, without the root label.
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxQuoted = 64;  // of hostile text in a message

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetterOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '-' || c == '_';
         });
}

// Decimal, octal, or hexadecimal with nothing but "0x": all that inet_aton takes.
bool IsNumber(std::string_view label) {
  if (label.starts_with("0x")) {
    return std::all_of(label.begin() + 2, label.end(), IsHexDigit);
  }
  return std::all_of(label.begin(), label.end(), IsDigit);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (char c : text.substr(0, kMaxQuoted)) quoted += c > ' ' && c <= '~' ? c : '?';
  return quoted + (text.size() > kMaxQuoted ? "…'" : "'");
}

Status BadAuthority(std::string_view text, std::string_view why) {
  return Violation(Quoted(text) + " is not host:port: " + std::string(why));
}

}  // namespace

Result<std::string> ParseHostName(std::string_view text) {
  std::string name = LowerCase(text);
  if (name.empty() || name.size() > kMaxName) {
    return Violation(Quoted(text) + " is not a host name: it has to have 1 to 253 characters");
  }
  std::string_view rest = name;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!IsLabel(label)) return Violation(Quoted(text) + " is not a host name: bad label");
    if (dot == rest.npos) {
      if (!IsNumber(label)) return name;
      return Violation(Quoted(text) + " is neither a host name nor a canonical IPv4 address");
    }
    rest.remove_prefix(dot + 1);
  }
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '0') {
    return std::nullopt;
  }
  return port;
}

Result<Authority> Authority::Parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return BadAuthority(text, "there is no port");
  const std::optional<std::uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port) return BadAuthority(text, "the port has to be 1 to 65535, without leading zeros");

  std::string host = LowerCase(text.substr(0, colon));
  if (host.starts_with('[')) {
    const std::string inside = host.ends_with(']') ? host.substr(1, host.size() - 2) : "";
    const std::optional<IpAddress> address = IpAddress::ParseCanonical(inside);
    if (!address || address->is_ipv4()) {
      return BadAuthority(text, "in brackets stands an IPv6 address as RFC 5952 writes it");
    }
    return Authority{inside, *port, address};
  }
  // An IPv6 address without brackets has colons and so is no name.
  if (const auto address = IpAddress::ParseCanonical(host); address && address->is_ipv4()) {
    return Authority{std::move(host), *port, address};
  }
  Result<std::string> name = ParseHostName(host);
  if (!name.ok()) return BadAuthority(text, name.status().message());
  return Authority{*std::move(name), *port, std::nullopt};
}

std::string Authority::ToString() const {
  const bool ipv6 = address && !address->is_ipv4();
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace detach
