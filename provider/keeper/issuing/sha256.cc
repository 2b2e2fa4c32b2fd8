#include "provider/keeper/issuing/sha256.h"

#include <openssl/evp.h>

namespace detach {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::optional<Sha256> Sha256Of(std::span<const std::uint8_t> bytes) {
  Sha256 hash = {};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), hash.data(), &size) !=
      1) {
    return std::nullopt;
  }
  return hash;
}

std::optional<Sha256> ParseSha256(std::string_view text) noexcept {
  if (text.size() != kSha256Digits) return std::nullopt;
  Sha256 hash = {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    hash[i / 2] = static_cast<std::uint8_t>(hash[i / 2] << 4 | digit);
  }
  return hash;
}

}  // namespace detach
