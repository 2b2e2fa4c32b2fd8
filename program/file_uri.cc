#include "program/file_uri.h"

namespace detach {
namespace {

constexpr std::string_view kScheme = "file:";

}  // namespace

bool IsFileUri(std::string_view uri) noexcept { return uri.starts_with(kScheme); }

std::optional<std::string> FilePath(std::string_view uri) {
  if (!IsFileUri(uri)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  if (uri.starts_with("//localhost/")) uri.remove_prefix(11);
  if (uri.starts_with("///")) uri.remove_prefix(2);
  if (!uri.starts_with("/") || uri.starts_with("//")) return std::nullopt;
  return std::string(uri);
}

}  // namespace detach
