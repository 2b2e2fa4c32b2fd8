/* The same, which leaves TLS: HOST PORT CA.pem */
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bio/openssl_bio/record_gate_bio.h"

static void fail(const char* what) {
  fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int connect_to(const char* host, const char* port) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo* found = NULL;
  const struct addrinfo* address;
  int fd = -1;
  if (getaddrinfo(host, port, &hints, &found) != 0) fail(host);
  for (address = found; address != NULL; address = address->ai_next) {
    fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) == 0) break;
    close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail(host);
  return fd;
}

static SSL_CTX* new_context(const char* anchors) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == NULL || SSL_CTX_load_verify_locations(ctx, anchors, NULL) != 1) fail(anchors);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  return ctx;
}

static void await(int fd, short events) {
  struct pollfd waiting = {.fd = fd, .events = events};
  if (poll(&waiting, 1, -1) != 1) fail("poll");
}

/* Waits for what `ssl` waits for, after a call that returned `result`. 0: there is no going on. */
static int go_on(SSL* ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      await(SSL_get_fd(ssl), POLLIN);
      return 1;
    case SSL_ERROR_WANT_WRITE:
      await(SSL_get_fd(ssl), POLLOUT);
      return 1;
    default:
      return 0;
  }
}

static void say(SSL* ssl, const char* line) {
  int result;
  while ((result = SSL_write(ssl, line, (int)strlen(line))) <= 0)
    if (!go_on(ssl, result)) fail("cannot write");
}

/* Prints the next line, and returns 1; 0 where none comes any more. */
static int hear(SSL* ssl) {
  char byte = 0;
  while (byte != '\n') {
    const int result = SSL_read(ssl, &byte, 1);
    if (result > 0) {
      putchar(byte);
    } else if (!go_on(ssl, result)) {
      return 0;
    }
  }
  return 1;
}

/* Ends TLS in both directions, and prints what came raw behind the server's close_notify. One
 * SSL_shutdown: a second would read what the server still sends, and destroy it. */
static void leave_tls(SSL* ssl) {
  const unsigned char* leftover;
  size_t size;
  int result;
  while ((result = SSL_shutdown(ssl)) < 0)
    if (!go_on(ssl, result)) fail("cannot leave TLS");
  while (hear(ssl)) continue;
  /* An end, an alert and a close_notify look the same from hear. Only this tells them apart. */
  if (SSL_received_detach(ssl, &leftover, &size) != 1) fail("the server has not left TLS");
  printf("behind its close_notify: %.*s", (int)size, (const char*)leftover);
}

/* The program's own way of using the descriptor. */
static void converse_raw(int fd, const char* line) {
  char bytes[100];
  ssize_t size;
  if (write(fd, line, strlen(line)) < 0) fail("cannot write");
  for (;;) {
    await(fd, POLLIN);
    size = read(fd, bytes, sizeof(bytes));
    if (size <= 0) return;
    printf("%.*s", (int)size, bytes);
  }
}

int main(int argc, char** argv) {
  SSL_CTX* ctx;
  SSL* ssl;
  int fd;
  int result;
  if (argc != 4) fail("usage: HOST PORT CA.pem");
  signal(SIGPIPE, SIG_IGN);
  fd = connect_to(argv[1], argv[2]);
  ctx = new_context(argv[3]);

  ssl = SSL_new(ctx);
  SSL_set_fd(ssl, fd);
  if (SSL_attach_record_gate(ssl) != 1) fail("no gate");
  SSL_set1_host(ssl, argv[1]);
  SSL_set_tlsext_host_name(ssl, argv[1]);
  while ((result = SSL_connect(ssl)) != 1)
    if (!go_on(ssl, result)) fail("no TLS");

  say(ssl, "under TLS\n");
  if (!hear(ssl)) fail("cannot read");
  say(ssl, "DETACH AFTER ME\n");
  if (!hear(ssl)) fail("cannot read"); /* GO */
  leave_tls(ssl);

  SSL_free(ssl);
  converse_raw(fd, "in clear\nQUIT\n");
  close(fd);
  SSL_CTX_free(ctx);
  return 0;
}
