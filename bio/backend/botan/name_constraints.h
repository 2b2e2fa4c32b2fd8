// Name constraints (RFC 5280 §4.2.1.10) that Botan passes over.
#ifndef DETACH_BIO_BACKEND_BOTAN_NAME_CONSTRAINTS_H_
#define DETACH_BIO_BACKEND_BOTAN_NAME_CONSTRAINTS_H_

#include <botan/x509cert.h>

namespace detach {

// ConstrainsUnjudgedNames says whether `authority` constrains names of other forms than DNS and
// directory names. Botan 2.19 takes a certificate whose e-mail address or URI is excluded, and
// knows no IPv6 address. May throw Botan::Exception where the extension is damaged.
bool ConstrainsUnjudgedNames(const Botan::X509_Certificate& authority);

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_NAME_CONSTRAINTS_H_
