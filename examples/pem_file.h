// Certificates and keys from PEM files, in the form that TlsConfig takes.
#ifndef DETACH_EXAMPLES_PEM_FILE_H_
#define DETACH_EXAMPLES_PEM_FILE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// ReadPemFile returns, as DER, every object of the file at `path` that is labelled `label`
// ("CERTIFICATE", "PRIVATE KEY"; RFC 7468). kIncompatible where there is none.
Result<std::vector<Bytes>> ReadPemFile(const std::string& path, std::string_view label);

// ReadIdentity reads a chain, the leaf first, and its private key (PKCS#8, not encrypted).
Result<std::shared_ptr<const Identity>> ReadIdentity(const std::string& chain_path,
                                                     const std::string& key_path);

}  // namespace detach

#endif  // DETACH_EXAMPLES_PEM_FILE_H_
