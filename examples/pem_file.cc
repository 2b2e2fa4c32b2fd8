#include "examples/pem_file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

namespace detach {

Result<std::vector<Bytes>> ReadPemFile(const std::string& path, std::string_view label) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), &BIO_free);
  if (!file) return Incompatible(path + ": cannot be opened");
  std::vector<Bytes> found;
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* der = nullptr;
  long size = 0;
  while (PEM_read_bio(file.get(), &name, &header, &der, &size) == 1) {
    if (label == name) found.emplace_back(der, der + size);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  }
  ERR_clear_error();
  if (found.empty()) return Incompatible(path + ": no PEM object \"" + std::string(label) + "\"");
  return found;
}

Result<std::shared_ptr<const Identity>> ReadIdentity(const std::string& chain_path,
                                                     const std::string& key_path) {
  Result<std::vector<Bytes>> chain = ReadPemFile(chain_path, "CERTIFICATE");
  if (!chain.ok()) return chain.status();
  Result<std::vector<Bytes>> keys = ReadPemFile(key_path, "PRIVATE KEY");
  if (!keys.ok()) return keys.status();
  return std::make_shared<const Identity>(
      Identity{*std::move(chain), Pkcs8Key{std::move(keys->front())}});
}

}  // namespace detach
