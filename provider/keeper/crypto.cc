#include "provider/keeper/crypto.h"

#include <algorithm>

namespace detach {

std::string TakeCryptoError() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason != nullptr ? " (" + std::string(reason) + ")" : "";
}

Result<KeyId> CertificateKeyId(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  KeyId id = {};
  std::size_t id_size = 0;
  const bool ok =
      size > 0 && EVP_Q_digest(nullptr, "SHA256", nullptr, der, static_cast<std::size_t>(size),
                               id.data(), &id_size) == 1;
  OPENSSL_free(der);
  if (!ok) return Internal("a public key's hash cannot be computed" + TakeCryptoError());
  return id;
}

}  // namespace detach
