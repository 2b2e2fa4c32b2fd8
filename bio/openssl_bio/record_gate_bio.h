/* The record gate below an SSL of a program's own: fast reading, and an exact end of TLS.
 *
 * For a program that keeps driving its SSL with SSL_read and SSL_write:
 *
 *   SSL_set_fd(ssl, fd);
 *   SSL_attach_record_gate(ssl);          before the handshake
 *   ... handshake, SSL_read, SSL_write ...
 *   SSL_shutdown(ssl);                    once: our close_notify. A second call reads, and destroys
 *                                         what the peer still sends
 *   while (SSL_read(ssl, ...) > 0) ...    up to SSL_ERROR_ZERO_RETURN
 *   SSL_received_detach(ssl, &leftover, &size);
 *   ... use the leftover; SSL_free(ssl); go on with fd
 *
 * A program that uses BIOs for its reading and writing takes detachable_bio.h instead.
 *
 * C11 and C++. Errors are on OpenSSL's error queue (detach_error.h). One thread at a time per SSL.
 */
#ifndef DETACH_BIO_OPENSSL_BIO_RECORD_GATE_BIO_H_
#define DETACH_BIO_OPENSSL_BIO_RECORD_GATE_BIO_H_

#include <openssl/types.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* SSL_attach_record_gate puts a record gate between `ssl` and the BIO that it reads from. The gate
 * reads from that BIO up to 64 KiB at once and gives libssl never more than the record in progress.
 * Writing is not touched. Returns 1, or 0 with an error on the queue and `ssl` as it was.
 *
 * Refused (DETACH_R_MISUSE): an `ssl` without a BIO; one whose handshake has begun; and one with an
 * option that would make the end of TLS inexact: SSL_OP_IGNORE_UNEXPECTED_EOF, read_ahead,
 * pipelining, SSL_OP_ENABLE_KTLS, quiet_shutdown. The error says which.
 *
 * From here on:
 * - libssl holds less than the transport has delivered: do not wait for the descriptor to become
 *   readable before SSL_read has returned SSL_ERROR_WANT_READ. SSL_has_pending does not count what
 *   the gate holds; BIO_pending(SSL_get_rbio(ssl)) does.
 * - The info callback of `ssl` is ours. The one that was set before, on `ssl` or its SSL_CTX, is
 *   called from it. SSL_set_info_callback afterwards replaces it, and SSL_received_detach then
 *   finds no proof. */
int SSL_attach_record_gate(SSL* ssl);

/* SSL_received_detach returns 1 if it is proven that the peer has detached: the handshake was
 * finished, the peer's own protected close_notify has been read, no error has occurred, and libssl
 * has taken not a byte beyond that record. SSL_get_shutdown proves nothing of it: a fatal alert,
 * and a plaintext close_notify in mid-handshake, set SSL_RECEIVED_SHUTDOWN too.
 *
 * `*leftover` is set to the `*size` bytes that arrived behind the close_notify, 0 or more. They are
 * raw, not authenticated, and come before all that the transport delivers from now on. They belong
 * to `ssl` and stay until it is freed or given another BIO; a further call returns the same.
 *
 * Returns 0 with DETACH_R_MISUSE on the queue where that is not proven: the error says what is
 * missing. `*leftover` and `*size` are then NULL and 0. */
int SSL_received_detach(SSL* ssl, const unsigned char** leftover, size_t* size);

#ifdef __cplusplus
}
#endif

#endif /* DETACH_BIO_OPENSSL_BIO_RECORD_GATE_BIO_H_ */
