// DetachableSocket against the TLS stack as it is: libssl on a descriptor, with SSL_shutdown.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "bio/socket/detachable_socket.h"
#include "tests/bio/socket/socket_pair.h"
#include "tests/bio/socket/stock_libssl.h"

namespace detach {
namespace {

// StockPeer is the blocking program at the other end, which knows nothing of detaching.
class StockPeer {
 public:
  StockPeer(int fd, const SslContext& context) : fd_(fd), context_(context) {}

  void Handshake() {
    ssl_.reset(SSL_new(context_.get()));
    EXPECT_EQ(SSL_set_fd(ssl_.get(), fd_), 1);
    const bool server = SSL_is_server(ssl_.get()) == 1;
    EXPECT_EQ(server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get()), 1);
  }

  void EchoUnderTls(std::size_t size) {
    std::string text(size, '\0');
    EXPECT_EQ(SSL_read(ssl_.get(), text.data(), static_cast<int>(size)), static_cast<int>(size));
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(size)), static_cast<int>(size));
  }

  // close_notify both ways, in either order.
  void Shutdown() {
    int done = SSL_shutdown(ssl_.get());
    if (done == 0) done = SSL_shutdown(ssl_.get());
    EXPECT_EQ(done, 1) << ERR_reason_error_string(ERR_peek_error());
    ssl_.reset();
  }

  void AwaitCloseNotify() {
    char byte = 0;
    EXPECT_LE(SSL_read(ssl_.get(), &byte, 1), 0);
    EXPECT_EQ(SSL_get_error(ssl_.get(), 0), SSL_ERROR_ZERO_RETURN);
  }

  void EchoRaw(std::size_t size) {
    std::string text(size, '\0');
    EXPECT_EQ(recv(fd_, text.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    EXPECT_EQ(send(fd_, text.data(), size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
  }

 private:
  int fd_;
  const SslContext& context_;
  Ssl ssl_{nullptr, &SSL_free};
};

void Exchange(DetachableSocket& socket, Origin origin, const std::string& text) {
  EXPECT_OK(socket.Write(AsBytes(text)));
  EXPECT_EQ(ReadText(socket, origin, text.size()), text);
}

// Rounds of TLS and raw; `peer_first`: the stock peer's close_notify comes first.
void Rounds(TlsContext& ours, const SslContext& theirs, bool peer_first) {
  RawPair pair;
  const std::string text = "twelve bytes";
  const auto peer_rounds = [&] {
    StockPeer peer(pair.peer.get(), theirs);
    for (int round = 0; round < 5; ++round) {
      peer.Handshake();
      peer.EchoUnderTls(text.size());
      if (!peer_first) peer.AwaitCloseNotify();
      peer.Shutdown();
      peer.EchoRaw(text.size());
    }
  };
  const auto our_rounds = [&] {
    for (int round = 0; round < 5; ++round) {
      EXPECT_OK(pair.socket.Upgrade(ours));
      Exchange(pair.socket, Origin::kTls, text);
      if (peer_first) {
        EXPECT_EQ(ReadOnce(pair.socket), ReadEvent::kPeerDetached);
      }
      EXPECT_OK(pair.socket.Detach());
      Exchange(pair.socket, Origin::kRaw, text);
    }
  };
  Together(peer_rounds, our_rounds);
}

class StockLibsslPeerTest : public testing::TestWithParam<TlsVersion> {};

INSTANTIATE_TEST_SUITE_P(Versions, StockLibsslPeerTest,
                         testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName);

TEST_P(StockLibsslPeerTest, AStockServerDetachesFirst) {
  Rounds(ClientContext(GetParam()), StockServerContext(GetParam()), true);
}

TEST_P(StockLibsslPeerTest, AStockServerDetachesSecond) {
  Rounds(ClientContext(GetParam()), StockServerContext(GetParam()), false);
}

TEST_P(StockLibsslPeerTest, AStockClientDetachesFirst) {
  Rounds(ServerContext(GetParam()), StockContext(TLS_client_method(), GetParam()), true);
}

TEST_P(StockLibsslPeerTest, AStockClientDetachesSecond) {
  Rounds(ServerContext(GetParam()), StockContext(TLS_client_method(), GetParam()), false);
}

}  // namespace
}  // namespace detach
