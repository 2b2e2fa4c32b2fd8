#include "provider/keeper/certificate_verify.h"

#include <algorithm>
#include <string_view>

namespace detach {
namespace {

constexpr std::size_t kPadding = 64;
constexpr std::string_view kServerContext = "TLS 1.3, server CertificateVerify";
constexpr std::string_view kClientContext = "TLS 1.3, client CertificateVerify";
static_assert(kServerContext.size() == kClientContext.size());
constexpr std::size_t kPrefix = kPadding + kServerContext.size() + 1;

bool HasContext(std::span<const std::uint8_t> content, std::string_view context) {
  return std::equal(
      context.begin(), context.end(), content.begin() + kPadding,
      [](char wanted, std::uint8_t byte) { return static_cast<std::uint8_t>(wanted) == byte; });
}

}  // namespace

std::optional<TlsRole> CertificateVerifyRole(std::span<const std::uint8_t> content) noexcept {
  constexpr std::size_t kSha256 = 32;
  constexpr std::size_t kSha384 = 48;
  if (content.size() != kPrefix + kSha256 && content.size() != kPrefix + kSha384) return {};
  const auto padding = content.first(kPadding);
  if (!std::all_of(padding.begin(), padding.end(), [](auto byte) { return byte == 0x20; })) {
    return {};
  }
  if (content[kPrefix - 1] != 0) return {};
  if (HasContext(content, kServerContext)) return TlsRole::kServer;
  if (HasContext(content, kClientContext)) return TlsRole::kClient;
  return {};
}

}  // namespace detach
