/* BIO_f_detachable: TLS that can be taken off, in the place of BIO_f_ssl.
 *
 * A program that uses BIO_f_ssl changes BIO_new_ssl to BIO_new_detachable and goes on as before. In
 * addition it can leave TLS and use the same connection raw, and enter TLS again:
 *
 *   BIO *b = BIO_push(BIO_new_detachable(ctx, 1), transport);
 *   BIO_write(b, ...), BIO_read(b, ...)     under TLS
 *   BIO_detach(b)                           our close_notify leaves; our direction is raw
 *   BIO_read(b, ...) until it returns 0     the peer's last bytes under TLS, then its close_notify
 *   BIO_write(b, ...), BIO_read(b, ...)     raw; or BIO_pop(b) and use the transport itself
 *   BIO_upgrade(b, ssl)                     TLS again
 *
 * A program whose protocol begins raw (STARTTLS) takes BIO_new(BIO_f_detachable()) and BIO_upgrade.
 *
 * C11 and C++. Errors are on OpenSSL's error queue (detach_error.h). The functions below find the
 * detachable BIO in the chain that begins at `b`. One thread at a time per chain.
 */
#ifndef DETACH_BIO_OPENSSL_BIO_DETACHABLE_BIO_H_
#define DETACH_BIO_OPENSSL_BIO_DETACHABLE_BIO_H_

#include <openssl/bio.h>
#include <openssl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* BIO_f_detachable returns the method of a filter BIO. A BIO made from it is raw: it passes bytes
 * through until BIO_upgrade.
 *
 * With an SSL it does what BIO_f_ssl does, with the same ctrls: the handshake by BIO_do_handshake
 * or by the first read or write, BIO_set_ssl, BIO_get_ssl, BIO_set_ssl_mode, BIO_set_close,
 * BIO_pending, BIO_wpending, BIO_flush, BIO_reset, BIO_eof, BIO_push, BIO_pop, BIO_dup_chain before
 * the handshake; the same return values, retry flags and errors; BIO_free sends close_notify where
 * BIO_set_close says so. It reads no byte from the next BIO beyond the record in progress, so
 * waiting for the descriptor works as before, and after a close_notify what follows is still in the
 * next BIO.
 *
 * What is different:
 * - The SSL has no BIO of the chain. Ask it what you like, set what you like before the handshake,
 *   but read, write and shut down by BIO only. BIO_pending and BIO_get_fd take the place of
 *   SSL_pending and SSL_get_fd.
 * - The first error is final: every later BIO_read returns -1. (BIO_f_ssl returns 0, as at a
 *   close_notify, when it is asked again after a fatal alert.)
 * - An SSL with an option that would make the end of TLS inexact is refused: see BIO_set_ssl below.
 * - After the peer's close_notify TLS 1.2 sends nothing more (RFC 5246 §7.2.1): BIO_write fails.
 *   TLS 1.3 goes on.
 * - No renegotiation; no callback that suspends the handshake (SSL_ERROR_WANT_X509_LOOKUP,
 *   SSL_ERROR_WANT_CLIENT_HELLO_CB and the like are errors).
 * - A BIO_read of 0 bytes returns 0 and reads nothing.
 * - BIO_ssl_shutdown and BIO_find_type(b, BIO_TYPE_SSL) do not know it. */
const BIO_METHOD* BIO_f_detachable(void);

/* BIO_new_detachable returns a detachable BIO with a new SSL of `ctx`, a client's if `client` is
 * not 0, else a server's; to be pushed on a transport. NULL with an error on the queue. */
BIO* BIO_new_detachable(SSL_CTX* ctx, int client);

/* BIO_upgrade lets TLS begin with `ssl` (role set, handshake not begun): with the next BIO_read,
 * BIO_write or BIO_do_handshake. Bytes that the peer has sent and the program has not read belong
 * to the handshake. Empty a BIO_f_buffer above before: what it has read in advance was raw, and is
 * not protected by TLS (CVE-2011-0411).
 *
 * Returns 1, and `ssl` belongs to the BIO; or 0 with DETACH_R_MISUSE on the queue, and it stays the
 * program's: both directions must be raw; and SSL_OP_IGNORE_UNEXPECTED_EOF (a FIN would be a forged
 * close_notify), read_ahead and pipelining (they bury what follows close_notify),
 * SSL_OP_ENABLE_KTLS and quiet_shutdown are refused. The error says which.
 *
 * BIO_upgrade(b, ssl) is BIO_set_ssl(b, ssl, BIO_CLOSE). As with BIO_f_ssl, BIO_set_ssl takes the
 * BIO over that `ssl` has. */
int BIO_upgrade(BIO* b, SSL* ssl);

/* BIO_detach ends TLS in the sending direction: a close_notify leaves behind everything that was
 * written. It also agrees to reading raw bytes: without it BIO_read returns 0 for ever after the
 * peer's close_notify, as with BIO_f_ssl.
 *
 * Returns 1 when the close_notify has left (calling again changes nothing). -1 with
 * BIO_should_retry: call again when the transport is ready. -1 without: an error; DETACH_R_MISUSE
 * if the handshake is not done, or a BIO_write is to be repeated.
 *
 * Once it has returned 1:
 * - TLS 1.3: BIO_write writes raw; as to the transport itself, fewer bytes than asked for may have
 *   gone. TLS 1.2: it fails until the peer's close_notify has been read; and the peer must not send
 *   data either: agree on the detach before.
 * - BIO_read returns what the peer still sends under TLS. Its close_notify makes BIO_read return 0,
 *   once; BIO_receiving(b) is then BIO_DETACHABLE_RAW. From then on BIO_read reads raw. An end of
 *   the transport without close_notify is an error, -1: never a detach.
 * - When both directions are raw, the SSL is freed (BIO_set_close; else it is the program's), and
 *   BIO_get_ssl returns 0. Nothing of it will be written any more. Nothing is held in this BIO:
 *   BIO_pop, and the transport stands at the first raw byte.
 *
 * Flush a BIO_f_buffer above before BIO_detach, and read it empty before reading raw: it does not
 * keep bytes of different origin apart. */
int BIO_detach(BIO* b);

/* What one direction carries. HANDSHAKE: under way, or to begin with the next read or write.
 * CLOSING, of the sending direction with TLS 1.2: close_notify was sent, TLS is not left yet. */
#define BIO_DETACHABLE_RAW 0
#define BIO_DETACHABLE_HANDSHAKE 1
#define BIO_DETACHABLE_TLS 2
#define BIO_DETACHABLE_CLOSING 3

/* BIO_sending and BIO_receiving return what that direction carries, or -1 where there is no
 * detachable BIO in the chain. */
int BIO_sending(BIO* b);
int BIO_receiving(BIO* b);

/* BIO_read_origin returns what the bytes of the last BIO_read travelled in: BIO_DETACHABLE_TLS or
 * BIO_DETACHABLE_RAW. One BIO_read of the detachable BIO never returns bytes of both. */
int BIO_read_origin(BIO* b);

#ifdef __cplusplus
}
#endif

#endif /* DETACH_BIO_OPENSSL_BIO_DETACHABLE_BIO_H_ */
