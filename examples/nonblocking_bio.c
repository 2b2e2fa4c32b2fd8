/* TLS that comes off, in a non-blocking program that uses OpenSSL's BIOs and epoll.
 *
 * A client and a server talk over a socketpair, each through one chain
 *
 *   BIO_f_detachable -> BIO_s_socket
 *
 * first under TLS, then raw, then under TLS again, always on the same connection. No call ever
 * blocks: what cannot be done now returns <= 0 with BIO_should_retry, and epoll says when to go on.
 *
 * What a program that knows BIO_f_ssl has to learn is in `take_step`: BIO_detach, the 0 of
 * BIO_read, and BIO_upgrade. The rest is what it does already.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bio/openssl_bio/detachable_bio.h"

/* What each end does, one step after the other. */
enum action {
  SAY,      /* write `text` */
  HEAR,     /* read `text` */
  DETACH,   /* leave TLS: our direction */
  HEAR_END, /* read the end of the peer's TLS */
  UPGRADE,  /* begin TLS again */
  DONE
};
struct step {
  enum action action;
  const char* text;
};

static const struct step client_steps[] = {
    {SAY, "let us leave TLS"}, {DETACH, NULL},  {HEAR_END, NULL},  {SAY, "question"},
    {HEAR, "answer"},          {UPGRADE, NULL}, {SAY, "good bye"}, {DETACH, NULL},
    {HEAR_END, NULL},          {DONE, NULL},
};
static const struct step server_steps[] = {
    {HEAR, "let us leave TLS"},
    {HEAR_END, NULL},
    {DETACH, NULL},
    {HEAR, "question"},
    {SAY, "answer"},
    {UPGRADE, NULL},
    {HEAR, "good bye"},
    {HEAR_END, NULL},
    {DETACH, NULL},
    {DONE, NULL},
};

struct end {
  const char* name;
  SSL_CTX* ctx;
  int is_client;
  BIO* bio;
  int fd;
  const struct step* step;
  size_t progress; /* bytes of the step's text that were written or read */
};

static void fail(const char* name, const char* what) {
  fprintf(stderr, "%s: %s\n", name, what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static const char* carries(int direction) {
  static const char* const names[] = {"raw", "in handshake", "under TLS", "closing TLS"};
  return names[direction];
}

/* One BIO call for the step in progress. Returns what it returned; `*done` if that was the step. */
static int take_step(struct end* end, int* done) {
  const char* text = end->step->text;
  const size_t left = text != NULL ? strlen(text) - end->progress : 0;
  char bytes[100];
  int result = 0;
  SSL* ssl = NULL;

  switch (end->step->action) {
    case SAY:
      /* Under TLS all of it is written, or none. Raw it may be a part. */
      result = BIO_write(end->bio, text + end->progress, (int)left);
      if (result > 0) end->progress += (size_t)result;
      *done = result > 0 && (size_t)result == left;
      if (*done) printf("%s says \"%s\" %s\n", end->name, text, carries(BIO_sending(end->bio)));
      return result;
    case HEAR:
      result = BIO_read(end->bio, bytes, (int)left);
      if (result > 0 && memcmp(bytes, text + end->progress, (size_t)result) != 0)
        fail(end->name, "heard something else");
      if (result > 0) end->progress += (size_t)result;
      *done = result > 0 && (size_t)result == left;
      if (*done)
        printf("%s heard \"%s\" %s\n", end->name, text, carries(BIO_read_origin(end->bio)));
      return result;
    case DETACH:
      result = BIO_detach(end->bio);
      *done = result > 0;
      if (*done) printf("%s has sent its close_notify\n", end->name);
      return result;
    case HEAR_END:
      /* 0: the peer's close_notify. The end of the connection itself would be an error, -1. */
      result = BIO_read(end->bio, bytes, sizeof(bytes));
      if (result > 0) fail(end->name, "data in place of a close_notify");
      *done = result == 0 && BIO_receiving(end->bio) == BIO_DETACHABLE_RAW;
      if (*done) printf("%s has received the peer's close_notify\n", end->name);
      return *done ? 1 : result;
    case UPGRADE:
      /* The handshake is made by the next BIO_read or BIO_write. */
      ssl = SSL_new(end->ctx);
      if (ssl == NULL) fail(end->name, "SSL_new");
      if (end->is_client) {
        SSL_set_connect_state(ssl);
      } else {
        SSL_set_accept_state(ssl);
      }
      *done = BIO_upgrade(end->bio, ssl);
      return *done;
    case DONE:
      break;
  }
  return 0;
}

/* Goes on as far as it gets without waiting. Returns the events to wait for; 0: all is done. */
static uint32_t go_on(struct end* end) {
  while (end->step->action != DONE) {
    int done = 0;
    const int result = take_step(end, &done);
    if (result <= 0 && !BIO_should_retry(end->bio)) fail(end->name, "the connection failed");
    if (result <= 0) return BIO_should_write(end->bio) ? EPOLLOUT : EPOLLIN;
    if (done) {
      ++end->step;
      end->progress = 0;
    }
  }
  return 0;
}

static void talk(struct end ends[2]) {
  const int poll = epoll_create1(0);
  int running = 2;
  int i;
  if (poll < 0) fail("epoll_create1", "failed");
  for (i = 0; i < 2; ++i) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = &ends[i]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, ends[i].fd, &event) != 0) fail("epoll_ctl", "failed");
  }
  while (running > 0) {
    struct epoll_event event;
    struct end* end;
    if (epoll_wait(poll, &event, 1, -1) != 1) fail("epoll_wait", "failed");
    end = event.data.ptr;
    event.events = go_on(end);
    if (event.events == 0) {
      epoll_ctl(poll, EPOLL_CTL_DEL, end->fd, NULL);
      --running;
    } else {
      epoll_ctl(poll, EPOLL_CTL_MOD, end->fd, &event);
    }
  }
}

/* A certificate for this run, which the client trusts because it made it. */
static void make_certificate(SSL_CTX* server, SSL_CTX* client) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char*)"server", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  if (X509_sign(certificate, key, EVP_sha256()) == 0 ||
      SSL_CTX_use_certificate(server, certificate) != 1 ||
      SSL_CTX_use_PrivateKey(server, key) != 1 ||
      X509_STORE_add_cert(SSL_CTX_get_cert_store(client), certificate) != 1)
    fail("certificate", "could not be made");
  SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

int main(void) {
  struct end ends[2] = {
      {.name = "client", .ctx = SSL_CTX_new(TLS_client_method()), .is_client = 1},
      {.name = "server", .ctx = SSL_CTX_new(TLS_server_method()), .is_client = 0}};
  int fds[2];
  int i;

  signal(SIGPIPE, SIG_IGN); /* a write to a peer that has gone is an error, not our end */
  ends[0].step = client_steps;
  ends[1].step = server_steps;
  make_certificate(ends[1].ctx, ends[0].ctx);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) fail("socketpair", "failed");
  for (i = 0; i < 2; ++i) {
    BIO* tls = BIO_new_detachable(ends[i].ctx, ends[i].is_client);
    if (tls == NULL) fail(ends[i].name, "BIO_new_detachable");
    ends[i].fd = fds[i];
    ends[i].bio = BIO_push(tls, BIO_new_socket(fds[i], BIO_CLOSE));
  }
  talk(ends);
  for (i = 0; i < 2; ++i) {
    BIO_free_all(ends[i].bio);
    SSL_CTX_free(ends[i].ctx);
  }
  return 0;
}
