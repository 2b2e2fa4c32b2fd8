// `detach-client-proxy identities`.
#ifndef DETACH_PROXIES_CLIENT_IDENTITIES_COMMAND_H_
#define DETACH_PROXIES_CLIENT_IDENTITIES_COMMAND_H_

#include <string>

namespace detach {

// ListIdentities prints what the certificate database of the configuration at `config_path` holds,
// and what was passed over, and why. With a `url` (else it is empty) it asks that server for its
// CertificateRequest, and says of each identity whether it would be sent, or why not.
//
// Returns the exit code: 1 also where none would be sent. What failed is one line on standard
// error, behind the list.
int ListIdentities(const std::string& config_path, const std::string& url);

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_IDENTITIES_COMMAND_H_
