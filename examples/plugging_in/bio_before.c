/* A client of detach_echo on OpenSSL's BIOs: HOST PORT CA.pem */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(const char* what) {
  fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static SSL_CTX* new_context(const char* anchors) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == NULL || SSL_CTX_load_verify_locations(ctx, anchors, NULL) != 1) fail(anchors);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  return ctx;
}

static void say(BIO* bio, const char* line) {
  if (BIO_puts(bio, line) <= 0) fail("cannot write");
}

/* Prints the next line. */
static void hear(BIO* bio) {
  char byte = 0;
  while (byte != '\n') {
    if (BIO_read(bio, &byte, 1) != 1) fail("cannot read");
    putchar(byte);
  }
}

int main(int argc, char** argv) {
  SSL_CTX* ctx;
  BIO* bio;
  SSL* ssl = NULL;
  if (argc != 4) fail("usage: HOST PORT CA.pem");
  signal(SIGPIPE, SIG_IGN);
  ctx = new_context(argv[3]);

  bio = BIO_push(BIO_new_ssl(ctx, 1), BIO_new_connect(argv[1]));
  BIO_set_conn_port(bio, argv[2]);
  BIO_get_ssl(bio, &ssl);
  SSL_set1_host(ssl, argv[1]);
  SSL_set_tlsext_host_name(ssl, argv[1]);
  if (BIO_do_handshake(bio) != 1) fail("no TLS");

  say(bio, "under TLS\n");
  hear(bio);
  say(bio, "QUIT\n");

  BIO_free_all(bio);
  SSL_CTX_free(ctx);
  return 0;
}
