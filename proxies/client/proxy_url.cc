#include "proxies/client/proxy_url.h"

#include <string>
#include <utility>

namespace detach {
namespace {

Result<Authority> Parse(std::string_view url, const std::string& scheme,
                        const std::string& default_port) {
  if (url.starts_with(scheme)) {
    std::string_view text = url.substr(scheme.size());
    if (text.ends_with('/')) text.remove_suffix(1);
    Result<Authority> authority = Authority::Parse(text);
    if (!authority.ok()) authority = Authority::Parse(std::string(text) + ':' + default_port);
    if (authority.ok()) return *std::move(authority);
  }
  return Misuse("\"" + std::string(url) + "\" is no URL of a proxy; write " + scheme + "HOST or " +
                scheme + "HOST:PORT");
}

}  // namespace

Result<Authority> ParseHttpsProxyUrl(std::string_view url) { return Parse(url, "https://", "443"); }

Result<Authority> ParseHttpProxyUrl(std::string_view url) { return Parse(url, "http://", "80"); }

}  // namespace detach
