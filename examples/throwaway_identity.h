// A certificate for as long as the program runs.
#ifndef DETACH_EXAMPLES_THROWAWAY_IDENTITY_H_
#define DETACH_EXAMPLES_THROWAWAY_IDENTITY_H_

#include <memory>
#include <string>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// NewThrowawayIdentity makes a P-256 key and a self-signed certificate for `dns_name`, valid for
// one day: its leaf is the trust anchor that peers need. kInternal where libcrypto fails.
Result<std::shared_ptr<const Identity>> NewThrowawayIdentity(const std::string& dns_name);

}  // namespace detach

#endif  // DETACH_EXAMPLES_THROWAWAY_IDENTITY_H_
