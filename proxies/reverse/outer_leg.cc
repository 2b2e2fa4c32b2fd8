#include "proxies/reverse/outer_leg.h"

#include <utility>

#if defined(DETACH_HAS_OPENSSL_BACKEND)
#include "proxies/tunnel/loopback_leg.h"
#endif

namespace detach {

std::unique_ptr<TlsLeg> NewOuterLeg(
    Socket socket, [[maybe_unused]] const std::shared_ptr<const ReversePolicy>& policy,
    [[maybe_unused]] ThreadRoom& room) {
#if defined(DETACH_HAS_OPENSSL_BACKEND)
  if (policy->config.pairing == Pairing::kLoopback) {
    return std::make_unique<LoopbackLeg>(std::move(socket), room, policy,
                                         policy->config.limits.detach);
  }
#endif
  return std::make_unique<TlsLeg>(std::move(socket));
}

}  // namespace detach
