#include "provider/keeper/issuing/issuer_config.h"

#include <chrono>
#include <utility>

namespace detach {
namespace {

std::chrono::seconds ReadLifetime(TomlTable& table) {
  constexpr std::chrono::hours kDefault(12);
  constexpr std::chrono::minutes kMin(10);
  constexpr std::chrono::hours kMax(31 * 24);
  const auto lifetime = table.Duration("certificate_lifetime", kDefault);
  if (lifetime < kMin || lifetime > kMax) {
    table.Fail(
        table.String("certificate_lifetime").position,
        "certificate_lifetime must be from \"10m\" to \"744h\"; a certificate that cannot be "
        "taken back had better be short-lived");
  }
  return std::chrono::floor<std::chrono::seconds>(lifetime);
}

template <typename T>
bool Complains(TomlTable& table, const LocatedString& path, const Result<T>& opened) {
  if (!opened.ok()) table.Fail(path.position, opened.status().message());
  return !opened.ok();
}

}  // namespace

std::shared_ptr<Issuer> ReadIssuer(TomlTable& table, const KeyAndChain& authority) {
  const std::chrono::seconds lifetime = ReadLifetime(table);
  const LocatedString tokens_file = table.RequiredString("tokens_file");
  const LocatedString spent_file = table.RequiredString("spent_tokens_file");
  if (tokens_file.empty() || spent_file.empty() || !authority.key) return nullptr;
  Result<EnrolmentTokens> tokens = EnrolmentTokens::Load(tokens_file.text);
  if (Complains(table, tokens_file, tokens)) return nullptr;
  Result<std::unique_ptr<SpentTokens>> spent = SpentTokens::Open(spent_file.text);
  if (Complains(table, spent_file, spent)) return nullptr;
  Result<std::shared_ptr<Issuer>> issuer =
      Issuer::Make(authority, *std::move(tokens), *std::move(spent), lifetime);
  if (Complains(table, table.String("uri"), issuer)) return nullptr;
  return *std::move(issuer);
}

}  // namespace detach
