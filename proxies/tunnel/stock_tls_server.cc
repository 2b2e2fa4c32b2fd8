#include "proxies/tunnel/stock_tls_server.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "bio/backend/openssl/openssl_error.h"

namespace detach {
namespace {

bool TryAgain(int error) { return error == EAGAIN || error == EINTR; }

// The next close is an RST: nobody may take what there is for all there was.
void ResetOnClose(const UniqueFd& fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

StockTlsServer::StockTlsServer(SSL* ssl, UniqueFd tls, UniqueFd clear)
    : ssl_(ssl), tls_(std::move(tls)), clear_(std::move(clear)) {}

Status StockTlsServer::Handshake() {
  ERR_clear_error();
  if (SSL_set_fd(ssl_, tls_.get()) != 1) return Internal("SSL_set_fd: " + OpenSslReason());
  if (SSL_accept(ssl_) == 1) return {};
  Status status = HandshakeOrRecordError(ssl_);
  tls_.reset();
  clear_.reset();
  return status;
}

void StockTlsServer::Serve() {
  (void)fcntl(tls_.get(), F_SETFL, O_NONBLOCK);
  (void)fcntl(clear_.get(), F_SETFL, O_NONBLOCK);
  bool good = true;
  while (good && !(tls_ended_ && closed_ && to_clear_.empty())) {
    Wait();
    good = Pass();
  }
  if (!good) {
    ResetOnClose(tls_);
    ResetOnClose(clear_);
  }
  tls_.reset();
  clear_.reset();
}

// False: something has failed, and all of it is over.
bool StockTlsServer::Pass() {
  tls_wants_ = 0;
  ERR_clear_error();
  return WriteClear() && ReadTls() && WriteClear() && ReadClear() && WriteTls();
}

// What the other calls wait for shows by poll; SSL_read or SSL_write may wait for either.
void StockTlsServer::Wait() {
  std::array<pollfd, 2> waiting = {pollfd{.fd = tls_.get(), .events = tls_wants_, .revents = 0},
                                   pollfd{.fd = clear_.get(), .events = 0, .revents = 0}};
  if (to_clear_.empty() && !tls_ended_) waiting[0].events |= POLLIN;
  if (to_tls_.empty() && !clear_ended_) waiting[1].events |= POLLIN;
  if (!to_clear_.empty()) waiting[1].events |= POLLOUT;
  for (pollfd& one : waiting) {
    if (one.events == 0) one.fd = -1;  // its hang-up would end every wait
  }
  const bool pending = to_clear_.empty() && !tls_ended_ && SSL_pending(ssl_) > 0;
  (void)poll(waiting.data(), waiting.size(), pending ? 0 : -1);
}

// Whether libssl only waits.
bool StockTlsServer::WantsTls(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      tls_wants_ |= POLLIN;
      return true;
    case SSL_ERROR_WANT_WRITE:
      tls_wants_ |= POLLOUT;
      return true;
    default:
      return false;
  }
}

bool StockTlsServer::ReadTls() {
  if (tls_ended_ || !to_clear_.empty()) return true;
  std::size_t size = 0;
  const int result = SSL_read_ex(ssl_, to_clear_.bytes.data(), to_clear_.bytes.size(), &size);
  if (result == 1) {
    to_clear_.begin = 0;
    to_clear_.end = size;
    return true;
  }
  if (SSL_get_error(ssl_, result) != SSL_ERROR_ZERO_RETURN) return WantsTls(result);
  tls_ended_ = true;
  (void)shutdown(clear_.get(), SHUT_WR);
  return true;
}

bool StockTlsServer::WriteClear() {
  while (!to_clear_.empty()) {
    const ssize_t sent =
        send(clear_.get(), to_clear_.rest().data(), to_clear_.rest().size(), MSG_NOSIGNAL);
    if (sent < 0) return TryAgain(errno);
    to_clear_.begin += static_cast<std::size_t>(sent);
  }
  return true;
}

bool StockTlsServer::ReadClear() {
  if (clear_ended_ || !to_tls_.empty()) return true;
  const ssize_t size = recv(clear_.get(), to_tls_.bytes.data(), to_tls_.bytes.size(), 0);
  if (size < 0) return TryAgain(errno);
  to_tls_.begin = 0;
  to_tls_.end = static_cast<std::size_t>(size);
  clear_ended_ = size == 0;
  return true;
}

bool StockTlsServer::WriteTls() {
  if (!to_tls_.empty()) {
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, to_tls_.rest().data(), to_tls_.rest().size(), &written);
    if (result != 1) return WantsTls(result);
    to_tls_.begin += written;
  }
  if (!clear_ended_ || closed_) return true;
  if (const int result = SSL_shutdown(ssl_); result < 0) return WantsTls(result);
  closed_ = true;
  (void)shutdown(tls_.get(), SHUT_WR);
  return true;
}

}  // namespace detach
