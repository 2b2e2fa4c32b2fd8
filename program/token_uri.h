// Which URIs mean tokens, and the databases of browsers, which are tokens, too.
#ifndef DETACH_PROGRAM_TOKEN_URI_H_
#define DETACH_PROGRAM_TOKEN_URI_H_

#include <string_view>

namespace detach {

inline constexpr std::string_view kPkcs11Scheme = "pkcs11:";
inline constexpr std::string_view kBrowserScheme = "browser:";

// IsTokenUri tells whether a keeper reads `uri` from tokens. There may be any number of identities.
inline bool IsTokenUri(std::string_view uri) noexcept {
  return uri.starts_with(kPkcs11Scheme) || uri.starts_with(kBrowserScheme);
}

}  // namespace detach

#endif  // DETACH_PROGRAM_TOKEN_URI_H_
