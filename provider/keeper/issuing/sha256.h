// SHA-256, and hashes as text.
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_SHA256_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace detach {

using Sha256 = std::array<std::uint8_t, 32>;

// The size of a Sha256 as text: lower-case hex digits.
inline constexpr std::size_t kSha256Digits = 64;

// Sha256Of returns nothing where libcrypto fails.
std::optional<Sha256> Sha256Of(std::span<const std::uint8_t> bytes);

// ParseSha256 reads exactly kSha256Digits. Nothing for any other text.
std::optional<Sha256> ParseSha256(std::string_view text) noexcept;

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_SHA256_H_
