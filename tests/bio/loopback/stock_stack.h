// A program with a stock blocking libssl, which knows nothing of detaching: the black box and the
// application above it, in one thread.
#ifndef DETACH_TESTS_BIO_LOOPBACK_STOCK_STACK_H_
#define DETACH_TESTS_BIO_LOOPBACK_STOCK_STACK_H_

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <utility>

#include "bio/loopback/record_mover.h"
#include "bio/socket/unique_fd.h"
#include "tests/bio/socket/stock_libssl.h"

namespace detach {

class StockStack {
 public:
  StockStack(UniqueFd fd, const SslContext& context)
      : fd_(std::move(fd)), ssl_(SSL_new(context.get()), &SSL_free) {
    EXPECT_EQ(SSL_set_fd(ssl_.get(), fd_.get()), 1);
  }

  void Handshake() {
    const bool server = SSL_is_server(ssl_.get()) == 1;
    EXPECT_EQ(server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get()), 1)
        << ERR_reason_error_string(ERR_peek_error());
  }

  std::string Read(std::size_t size) {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const int read = SSL_read(ssl_.get(), text.data() + got, static_cast<int>(size - got));
      if (read <= 0) break;
      got += static_cast<std::size_t>(read);
    }
    EXPECT_EQ(got, size) << ERR_reason_error_string(ERR_peek_error());
    text.resize(got);
    return text;
  }

  void Write(const std::string& text) { EXPECT_TRUE(TryWrite(text)); }

  bool TryWrite(const std::string& text) {
    const int size = static_cast<int>(text.size());
    return SSL_write(ssl_.get(), text.data(), size) == size;
  }

  // Asks the peer for a KeyUpdate, with one of its own.
  void UpdateKeys() {
    EXPECT_EQ(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(SSL_do_handshake(ssl_.get()), 1);
  }

  // What any program sees that reads on.
  Verdict ReadOn() {
    char byte = 0;
    ERR_clear_error();
    const int read = SSL_read(ssl_.get(), &byte, 1);
    if (read > 0) return Verdict::kBytes;
    const bool end = SSL_get_error(ssl_.get(), read) == SSL_ERROR_ZERO_RETURN;
    return end ? Verdict::kEnd : Verdict::kFailure;
  }

  void SendCloseNotify() { EXPECT_GE(SSL_shutdown(ssl_.get()), 0); }

  void Close() {
    ssl_.reset();
    fd_.reset();
  }

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  Ssl ssl_;
};

}  // namespace detach

#endif  // DETACH_TESTS_BIO_LOOPBACK_STOCK_STACK_H_
