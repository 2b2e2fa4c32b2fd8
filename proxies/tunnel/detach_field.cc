#include "proxies/tunnel/detach_field.h"

#include <algorithm>
#include <optional>

#include "proxies/tunnel/structured_field.h"

namespace detach {
namespace {

constexpr std::int64_t kVersion = 1;

template <typename T>
const T* Find(const Dictionary& members, std::string_view key) {
  const auto member = members.find(key);
  return member == members.end() ? nullptr : std::get_if<T>(&member->second);
}

std::optional<DetachMode> ModeOf(std::string_view name) {
  for (const DetachMode mode : {DetachMode::kCovered, DetachMode::kConnect}) {
    if (name == DetachModeName(mode)) return mode;
  }
  return std::nullopt;
}

}  // namespace

Result<DetachField> DetachField::Parse(std::string_view text) {
  const Result<Dictionary> members = ParseDictionary(text);
  if (!members.ok()) return Violation("TLS-Detach: " + members.status().message());

  // The version first: another one may give the other keys another meaning.
  const auto* version = Find<std::int64_t>(*members, "v");
  if (version == nullptr) return Violation("TLS-Detach: v is not an integer");
  if (*version != kVersion) {
    return Incompatible("TLS-Detach: version " + std::to_string(*version) + " is not known here");
  }
  const auto* when = Find<Token>(*members, "when");
  if (when == nullptr) return Violation("TLS-Detach: when is not a token");
  const std::optional<DetachMode> mode = ModeOf(when->text);
  if (!mode) return Incompatible("TLS-Detach: this value of when is not known here");

  const auto* binding = Find<ByteSequence>(*members, "cb");
  if (binding == nullptr || binding->size() != kBindingSize) {
    return Violation("TLS-Detach: cb is not a sequence of 16 bytes");
  }
  DetachField field{*mode, {}};
  std::copy(binding->begin(), binding->end(), field.binding.begin());
  return field;
}

std::string DetachField::Serialize() const {
  return "v=" + std::to_string(kVersion) + ", when=" + std::string(DetachModeName(when)) +
         ", cb=" + SerializeByteSequence(binding.data(), binding.size());
}

}  // namespace detach
