// OpenSSL's error queue as a Status.
#ifndef DETACH_BIO_BACKEND_OPENSSL_OPENSSL_ERROR_H_
#define DETACH_BIO_BACKEND_OPENSSL_OPENSSL_ERROR_H_

#include <openssl/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bio/status.h"

namespace detach {

// OpenSslReason returns the reason of the first entry of this thread's error queue, or "no reason
// given". Leaves the queue as it is.
std::string OpenSslReason();

// HandshakeOrRecordError says what went wrong with `ssl`, by the newest entry of the error queue
// and the verification result, and whose fault it was. Leaves the queue as it is.
Status HandshakeOrRecordError(const SSL* ssl);

// RememberRefusedCertificate is a verify callback (SSL_CTX_set_verify) that changes no verdict, and
// by which HandshakeOrRecordError can say whose certificate was refused.
int RememberRefusedCertificate(int verified, X509_STORE_CTX* store) noexcept;

// PeerAlertInQueue returns the alert that the peer sent, where the newest entry of the queue says
// so.
std::optional<std::uint8_t> PeerAlertInQueue();

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_OPENSSL_OPENSSL_ERROR_H_
