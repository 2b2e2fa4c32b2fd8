/* The errors that this library puts on OpenSSL's error queue. C and C++. */
#ifndef DETACH_BIO_OPENSSL_BIO_DETACH_ERROR_H_
#define DETACH_BIO_OPENSSL_BIO_DETACH_ERROR_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Reasons, for ERR_GET_REASON: by whose fault it was. The error's data (ERR_get_error_all) is a
 * sentence for a person. Where OpenSSL itself failed, its own error is on the queue instead; an end
 * of the transport without close_notify is OpenSSL's SSL_R_UNEXPECTED_EOF_WHILE_READING. */
#define DETACH_R_VIOLATION 100    /* the peer broke the protocol, or somebody on the path did */
#define DETACH_R_INCOMPATIBLE 101 /* both ends are correct and found no common ground */
#define DETACH_R_TRANSPORT 102    /* the connection below failed */
#define DETACH_R_TRUNCATED 103    /* the transport ended where a close_notify was due */
#define DETACH_R_MISUSE 104       /* the program broke the contract of this library */
#define DETACH_R_INTERNAL 105     /* this library or one below it failed */

/* ERR_lib_detach returns the number of this library, for comparison with ERR_GET_LIB. It is taken
 * from ERR_get_next_error_library at the first call, so it differs from process to process. */
int ERR_lib_detach(void);

#ifdef __cplusplus
}
#endif

#endif /* DETACH_BIO_OPENSSL_BIO_DETACH_ERROR_H_ */
