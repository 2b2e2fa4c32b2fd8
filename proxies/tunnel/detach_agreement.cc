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

template <typename Tls>
Result<Binding> ExportBinding(const Tls& outer, std::string_view side) {
  const Result<Bytes> material = outer.Export(kBindingLabel, AsBytes(side), kBindingSize);
  if (!material.ok()) return material.status();
  Binding binding;
  std::ranges::copy(*material, binding.begin());
  return binding;
}

Result<std::string> MakeField(DetachMode mode, bool half_detach, const Result<Binding>& binding) {
  if (mode == DetachMode::kCovered && !half_detach) {
    return Incompatible("mode \"covered\" needs TLS 1.3 between the two proxies");
  }
  if (!binding.ok()) return binding.status();
  return DetachField{mode, *binding}.Serialize();
}

// Whether `binding` is the one of this connection. In constant time: a middlebox may guess often.
Status CheckBinding(const Result<Binding>& ours, const Binding& binding) {
  if (!ours.ok()) return ours.status();
  if (CRYPTO_memcmp(ours->data(), binding.data(), binding.size()) != 0) {
    return Violation("TLS-Detach: the binding is not this connection's; does a middlebox end TLS?");
  }
  return {};
}

}  // namespace

OuterConnection::OuterConnection(const TlsSession& session)
    : half_detach(session.half_detach()),
      offer_binding(ExportBinding(session, kClientBindingContext)),
      answer_binding(ExportBinding(session, kServerBindingContext)) {}

OuterConnection::OuterConnection(const TlsBackend& backend)
    : half_detach(backend.half_detach()),
      offer_binding(ExportBinding(backend, kClientBindingContext)),
      answer_binding(ExportBinding(backend, kServerBindingContext)) {}

Result<std::string> OfferDetach(const OuterConnection& outer, DetachMode mode) {
  return MakeField(mode, outer.half_detach, outer.offer_binding);
}

Agreement AgreeToDetach(const OuterConnection& outer, const std::string& field, bool allow_covered,
                        bool allow_connect) {
  const Result<DetachField> offer = DetachField::Parse(field);
  if (!offer.ok()) return {.why_not = offer.status().message()};
  const bool allowed = offer->when == DetachMode::kCovered ? allow_covered : allow_connect;
  if (!allowed) {
    return {.why_not = "mode \"" + std::string(DetachModeName(offer->when)) + "\" is not allowed"};
  }
  if (const Status status = CheckBinding(outer.offer_binding, offer->binding); !status.ok()) {
    return {.why_not = status.message()};
  }
  Result<std::string> answer = MakeField(offer->when, outer.half_detach, outer.answer_binding);
  if (!answer.ok()) return {.why_not = answer.status().message()};
  return {.mode = offer->when, .field = *std::move(answer), .why_not = {}};
}

Status VerifyAgreement(const OuterConnection& outer, const std::string& field, DetachMode asked) {
  const Result<DetachField> answer = DetachField::Parse(field);
  if (!answer.ok()) return Violation("TLS-Detach in the answer: " + answer.status().message());
  if (answer->when != asked) return Violation("TLS-Detach: another mode than was asked for");
  return CheckBinding(outer.answer_binding, answer->binding);
}

}  // namespace detach
