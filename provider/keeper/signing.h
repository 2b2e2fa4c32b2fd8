// Signing with a key that is in this process.
#ifndef DETACH_PROVIDER_KEEPER_SIGNING_H_
#define DETACH_PROVIDER_KEEPER_SIGNING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/signature_scheme.h"

namespace detach {

// SignMessage signs `message`, SignDigest what `digest` is of, by the key of `held`, which fits the
// scheme (KeyFitsTls13, KeyFitsTls12). kInternal where libcrypto fails, kMisuse where the digest is
// not as long as the scheme's.
Result<std::vector<std::uint8_t>> SignMessage(const KeyAndChain& held,
                                              const SignatureScheme& scheme,
                                              std::span<const std::uint8_t> message);
Result<std::vector<std::uint8_t>> SignDigest(const KeyAndChain& held, const SignatureScheme& scheme,
                                             std::span<const std::uint8_t> digest);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_SIGNING_H_
