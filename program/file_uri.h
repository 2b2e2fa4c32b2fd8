// URIs of the scheme file: (RFC 8089).
#ifndef DETACH_PROGRAM_FILE_URI_H_
#define DETACH_PROGRAM_FILE_URI_H_

#include <optional>
#include <string>
#include <string_view>

namespace detach {

// IsFileUri tells whether `uri` is of this scheme.
bool IsFileUri(std::string_view uri) noexcept;

// FilePath returns the absolute path in `uri`: file:/path, file:///path, file://localhost/path.
// Nothing where it is no such URI.
std::optional<std::string> FilePath(std::string_view uri);

}  // namespace detach

#endif  // DETACH_PROGRAM_FILE_URI_H_
