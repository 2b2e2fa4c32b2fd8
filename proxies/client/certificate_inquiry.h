// Asking a server which client certificates it takes.
#ifndef DETACH_PROXIES_CLIENT_CERTIFICATE_INQUIRY_H_
#define DETACH_PROXIES_CLIENT_CERTIFICATE_INQUIRY_H_

#include <optional>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "proxies/client/config.h"
#include "proxies/tunnel/authority.h"

namespace detach {

// AskForRequest shakes hands with `server` as the client proxy does with its reverse proxy (through
// `via`, trusting whom the configuration trusts, within its limits), but sends no certificate, and
// leaves. Returns the server's CertificateRequest, or nullopt where the server asks for none.
// Blocks. Errors say what could not be reached, or why it is not trusted.
Result<std::optional<CertificateRequest>> AskForRequest(const ClientProxyConfig& config,
                                                        const Authority& server);

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_CERTIFICATE_INQUIRY_H_
