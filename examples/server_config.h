// What the servers here tell their TLS.
#ifndef DETACH_EXAMPLES_SERVER_CONFIG_H_
#define DETACH_EXAMPLES_SERVER_CONFIG_H_

#include <string>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// ReadServerConfig returns the configuration of a server with that chain and key (PEM): TLS 1.2 or
// 1.3, clients without a certificate, no resumption. Errors as ReadIdentity's.
Result<TlsConfig> ReadServerConfig(const std::string& chain_path, const std::string& key_path);

}  // namespace detach

#endif  // DETACH_EXAMPLES_SERVER_CONFIG_H_
