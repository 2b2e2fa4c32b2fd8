#include "proxies/reverse/outer_leg.h"

#include <utility>

#if defined(DETACH_HAS_OPENSSL_BACKEND)
#include "proxies/tunnel/loopback_leg.h"
#endif

namespace detach {

std::unique_ptr<TlsLeg> NewOuterLeg(Socket socket,
                                    const std::shared_ptr<const ReversePolicy>& policy,
                                    ThreadRoom& room,
                                    [[maybe_unused]] std::shared_ptr<const void> place) {
#if defined(DETACH_HAS_OPENSSL_BACKEND)
  if (policy->config.pairing == Pairing::kLoopback) {
    using Kept = std::pair<std::shared_ptr<const ReversePolicy>, std::shared_ptr<const void>>;
    return std::make_unique<LoopbackLeg>(std::move(socket), room,
                                         std::make_shared<const Kept>(policy, std::move(place)),
                                         policy->config.limits.detach);
  }
#endif
  return std::make_unique<TlsLeg>(std::move(socket), policy->config.keeper ? &room : nullptr);
}

}  // namespace detach
