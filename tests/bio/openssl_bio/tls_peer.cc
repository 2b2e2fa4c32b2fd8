#include "tests/bio/openssl_bio/tls_peer.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>

#include "tests/support/test_pki.h"

namespace detach {
namespace {

void Check(bool ok) {
  if (ok) return;
  ERR_print_errors_fp(stderr);
  std::abort();
}

const TestPki& Pki() {
  static const TestPki* const pki = new TestPki;
  return *pki;
}

Owned<SSL_CTX> Context(int version) {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Check(context != nullptr);
  Check(SSL_CTX_set_min_proto_version(context.get(), version) == 1);
  Check(SSL_CTX_set_max_proto_version(context.get(), version) == 1);
  // A stateless ticket holds the session in DER: its size is not always the same.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  return context;
}

// The end that is freed last writes its close_notify to nobody.
Wire SocketPair(int type) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  Check(socketpair(AF_UNIX, type, 0, ends) == 0);
  return {Owned<BIO>(BIO_new_socket(ends[0], BIO_CLOSE)),
          Owned<BIO>(BIO_new_socket(ends[1], BIO_CLOSE))};
}

// The filter's data is not null when this call is to be let through.
bool LetThrough(BIO* bio) {
  BIO_clear_retry_flags(bio);
  const bool let_through = BIO_get_data(bio) != nullptr;
  BIO_set_data(bio, let_through ? nullptr : bio);
  return let_through;
}

int QuotaRead(BIO* bio, char* out, int size) {
  if (!LetThrough(bio)) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const int result = BIO_read(BIO_next(bio), out, size > 0 ? 1 : 0);
  BIO_copy_next_retry(bio);
  return result;
}

int QuotaWrite(BIO* bio, const char* bytes, int size) {
  if (!LetThrough(bio)) {
    BIO_set_retry_write(bio);
    return -1;
  }
  const int result = BIO_write(BIO_next(bio), bytes, size > 0 ? 1 : 0);
  BIO_copy_next_retry(bio);
  return result;
}

long QuotaCtrl(BIO* bio, int command, long number, void* pointer) {
  return BIO_ctrl(BIO_next(bio), command, number, pointer);
}

}  // namespace

Owned<SSL_CTX> ServerContext(int version) {
  Owned<SSL_CTX> context = Context(version);
  const TestCertificate& server = Pki().server;
  const unsigned char* der = server.key.data();
  EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &der, static_cast<long>(server.key.size()));
  Check(key != nullptr);
  Check(SSL_CTX_use_certificate_ASN1(context.get(), static_cast<int>(server.leaf().size()),
                                     server.leaf().data()) == 1);
  Check(SSL_CTX_use_PrivateKey(context.get(), key) == 1);
  EVP_PKEY_free(key);
  return context;
}

Owned<SSL_CTX> ClientContext(int version) {
  Owned<SSL_CTX> context = Context(version);
  const Bytes& root = Pki().server_root.certificate();
  const unsigned char* der = root.data();
  X509* certificate = d2i_X509(nullptr, &der, static_cast<long>(root.size()));
  Check(certificate != nullptr);
  Check(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate) == 1);
  X509_free(certificate);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

Wire SocketWire() { return SocketPair(SOCK_STREAM | SOCK_NONBLOCK); }

Wire BlockingSocketWire() { return SocketPair(SOCK_STREAM); }

Wire PairWire() {
  BIO* near = nullptr;
  BIO* far = nullptr;
  Check(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
  return {Owned<BIO>(near), Owned<BIO>(far)};
}

void EndWire(BIO* end) {
  int fd = -1;
  if (BIO_get_fd(end, &fd) >= 0 && fd >= 0) {
    shutdown(fd, SHUT_WR);
  } else {
    BIO_shutdown_wr(end);
  }
}

BIO* NewQuotaFilter() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "quota");
    BIO_meth_set_read(made, QuotaRead);
    BIO_meth_set_write(made, QuotaWrite);
    BIO_meth_set_ctrl(made, QuotaCtrl);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_init(bio, 1);
  return bio;
}

TlsPeer::TlsPeer(SSL_CTX* context, bool client, BIO* far) : ssl_(SSL_new(context)), far_(far) {
  BIO_up_ref(far);
  SSL_set_bio(ssl_.get(), far, far);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (client) {
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

// Errors of the peer are told by ended(); the queue stays as the program under test left it.
void TlsPeer::Step() {
  ERR_set_mark();
  if (ended_.empty() && !SSL_is_init_finished(ssl_.get())) {
    const int result = SSL_do_handshake(ssl_.get());
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL) ended_ = "error";
  }
  if (SSL_is_init_finished(ssl_.get())) {
    Write();
    Read();
  }
  ERR_pop_to_mark();
}

void TlsPeer::Write() {
  std::size_t size = 0;
  while (!to_send_.empty() &&
         SSL_write_ex(ssl_.get(), to_send_.data(), to_send_.size(), &size) == 1) {
    to_send_.erase(0, size);
  }
}

void TlsPeer::Read() {
  char buffer[16384];
  int size = 0;
  while (ended_.empty() && (size = SSL_read(ssl_.get(), buffer, sizeof(buffer))) > 0) {
    received_.append(buffer, static_cast<std::size_t>(size));
  }
  if (!ended_.empty()) return;
  const int error = SSL_get_error(ssl_.get(), size);
  if (error == SSL_ERROR_ZERO_RETURN) ended_ = "close_notify";
  if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) ended_ = "error";
}

std::vector<std::string> TakeErrors() {
  std::vector<std::string> errors;
  while (const unsigned long error = ERR_get_error()) {
    errors.push_back(std::to_string(ERR_GET_LIB(error)) + "/" +
                     std::to_string(ERR_GET_REASON(error)));
  }
  return errors;
}

}  // namespace detach
