// From Status to OpenSSL's error queue.
#ifndef DETACH_BIO_OPENSSL_BIO_ERROR_QUEUE_H_
#define DETACH_BIO_OPENSSL_BIO_ERROR_QUEUE_H_

#include "bio/status.h"

namespace detach {

// PutError puts `status`, which is not ok, on the calling thread's error queue, with its message.
void PutError(const Status& status) noexcept;

// PutErrorOfTls puts `status` on the queue where OpenSSL has not said why itself: a program that
// changes from BIO_f_ssl finds the same reasons.
void PutErrorOfTls(const Status& status) noexcept;

}  // namespace detach

#endif  // DETACH_BIO_OPENSSL_BIO_ERROR_QUEUE_H_
