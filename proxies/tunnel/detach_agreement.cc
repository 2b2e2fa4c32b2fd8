#include "proxies/tunnel/detach_agreement.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace detach {
namespace {

std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Result<Binding> ExportBinding(const TlsSession& outer, std::string_view side) {
  const Result<Bytes> material = outer.Export(kBindingLabel, AsBytes(side), kBindingSize);
  if (!material.ok()) return material.status();
  Binding binding;
  std::ranges::copy(*material, binding.begin());
  return binding;
}

Result<std::string> MakeField(const TlsSession& outer, DetachMode mode, std::string_view side) {
  if (mode == DetachMode::kCovered && !outer.half_detach()) {
    return Incompatible("mode \"covered\" needs TLS 1.3 between the two proxies");
  }
  const Result<Binding> binding = ExportBinding(outer, side);
  if (!binding.ok()) return binding.status();
  return DetachField{mode, *binding}.Serialize();
}

// Whether `binding` is the one of this connection. In constant time: a middlebox may guess often.
Status CheckBinding(const TlsSession& outer, const Binding& binding, std::string_view side) {
  const Result<Binding> ours = ExportBinding(outer, side);
  if (!ours.ok()) return ours.status();
  if (CRYPTO_memcmp(ours->data(), binding.data(), binding.size()) != 0) {
    return Violation("TLS-Detach: the binding is not this connection's; does a middlebox end TLS?");
  }
  return {};
}

}  // namespace

Result<std::string> OfferDetach(const TlsSession& outer, DetachMode mode) {
  return MakeField(outer, mode, kClientBindingContext);
}

Agreement AgreeToDetach(const TlsSession& outer, const std::string& field, bool allow_covered,
                        bool allow_connect) {
  const Result<DetachField> offer = DetachField::Parse(field);
  if (!offer.ok()) return {.why_not = offer.status().message()};
  const bool allowed = offer->when == DetachMode::kCovered ? allow_covered : allow_connect;
  if (!allowed) {
    return {.why_not = "mode \"" + std::string(DetachModeName(offer->when)) + "\" is not allowed"};
  }
  if (const Status status = CheckBinding(outer, offer->binding, kClientBindingContext);
      !status.ok()) {
    return {.why_not = status.message()};
  }
  Result<std::string> answer = MakeField(outer, offer->when, kServerBindingContext);
  if (!answer.ok()) return {.why_not = answer.status().message()};
  return {.mode = offer->when, .field = *std::move(answer), .why_not = {}};
}

Status VerifyAgreement(const TlsSession& outer, const std::string& field, DetachMode asked) {
  const Result<DetachField> answer = DetachField::Parse(field);
  if (!answer.ok()) return Violation("TLS-Detach in the answer: " + answer.status().message());
  if (answer->when != asked) return Violation("TLS-Detach: another mode than was asked for");
  return CheckBinding(outer, answer->binding, kServerBindingContext);
}

}  // namespace detach
