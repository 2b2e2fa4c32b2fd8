#include "examples/server_config.h"

#include <memory>
#include <utility>

#include "examples/pem_file.h"

namespace detach {

Result<TlsConfig> ReadServerConfig(const std::string& chain_path, const std::string& key_path) {
  Result<std::shared_ptr<const Identity>> identity = ReadIdentity(chain_path, key_path);
  if (!identity.ok()) return identity.status();
  TlsConfig config;
  config.role = Role::kServer;
  config.min_version = TlsVersion::kTls12;
  config.peer_certificate = PeerCertificate::kNotRequested;
  config.identity = *std::move(identity);
  return config;
}

}  // namespace detach
