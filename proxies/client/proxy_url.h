// URLs that name a proxy.
#ifndef DETACH_PROXIES_CLIENT_PROXY_URL_H_
#define DETACH_PROXIES_CLIENT_PROXY_URL_H_

#include <string_view>

#include "bio/status.h"
#include "proxies/tunnel/authority.h"

namespace detach {

// ParseHttpsProxyUrl reads "https://host" with ":port" or without (443), and perhaps one slash
// behind it; ParseHttpProxyUrl the same with "http://" (80). kMisuse, saying what to write, for
// everything else.
Result<Authority> ParseHttpsProxyUrl(std::string_view url);
Result<Authority> ParseHttpProxyUrl(std::string_view url);

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_PROXY_URL_H_
