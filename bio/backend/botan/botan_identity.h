// An Identity in the form that Botan uses.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_IDENTITY_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_IDENTITY_H_

#include <botan/pk_keys.h>
#include <botan/x509cert.h>

#include <memory>
#include <span>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// BotanIdentity is a parsed chain and its key, ready for any number of connections. Where `signer`
// is set it makes the signatures, and `key` only says which kind of key it is.
struct BotanIdentity {
  std::vector<Botan::X509_Certificate> chain;  // the leaf first, at least 1
  std::shared_ptr<Botan::Private_Key> key;
  Signer signer;
};

// ParseBotanIdentity takes a key as PKCS#8 or as a Signer, and checks that a PKCS#8 key is the
// leaf's. kIncompatible where this Botan cannot use it. May throw std::bad_alloc.
Result<BotanIdentity> ParseBotanIdentity(const Identity& identity);

// ParseBotanCertificate returns the certificate whose DER is exactly `der`; kIncompatible
// otherwise.
Result<Botan::X509_Certificate> ParseBotanCertificate(std::span<const std::uint8_t> der);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_IDENTITY_H_
