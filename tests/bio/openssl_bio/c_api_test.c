/* The headers are C: this file is compiled as C11 and calls all that they declare. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "bio/openssl_bio/detach_error.h"
#include "bio/openssl_bio/detachable_bio.h"
#include "bio/openssl_bio/record_gate_bio.h"

static int failures = 0;

static void expect(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "not so: %s\n", what);
  ++failures;
}

static void error_is_misuse(const char* call) {
  const unsigned long error = ERR_peek_last_error();
  expect(ERR_GET_LIB(error) == ERR_lib_detach() && ERR_GET_REASON(error) == DETACH_R_MISUSE, call);
  expect(ERR_lib_error_string(error) != NULL && ERR_reason_error_string(error) != NULL, call);
  ERR_clear_error();
}

int main(void) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  BIO* b = BIO_new_detachable(ctx, 1);
  SSL* ssl = SSL_new(ctx);
  const unsigned char* leftover = NULL;
  size_t size = 0;

  expect(b != NULL && BIO_method_type(b) != BIO_TYPE_SSL, "a BIO of a type of its own");
  expect(BIO_sending(b) == BIO_DETACHABLE_HANDSHAKE, "BIO_sending");
  expect(BIO_receiving(b) == BIO_DETACHABLE_HANDSHAKE, "BIO_receiving");
  expect(BIO_read_origin(b) == BIO_DETACHABLE_RAW, "BIO_read_origin");
  BIO_push(b, BIO_new(BIO_s_mem()));
  expect(BIO_detach(b) == -1 && !BIO_should_retry(b), "BIO_detach before the handshake");
  error_is_misuse("BIO_detach");
  SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  expect(BIO_upgrade(b, ssl) == 0, "BIO_upgrade with IGNORE_UNEXPECTED_EOF");
  error_is_misuse("BIO_upgrade");
  expect(SSL_attach_record_gate(ssl) == 0, "SSL_attach_record_gate without a BIO");
  error_is_misuse("SSL_attach_record_gate");
  expect(SSL_received_detach(ssl, &leftover, &size) == 0, "SSL_received_detach without a gate");
  error_is_misuse("SSL_received_detach");

  SSL_free(ssl);
  BIO_free_all(b);
  SSL_CTX_free(ctx);
  return failures == 0 ? 0 : 1;
}
