// The same program over BIO_f_ssl and BIO_f_detachable, on blocking sockets; and a detach there.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bio/openssl_bio/detachable_bio.h"
#include "tests/bio/openssl_bio/tls_peer.h"

namespace detach {
namespace {

constexpr int kLarge = 3'000'000;

// What a program sees: the results of its calls.
using Log = std::vector<int>;

Log Client(BIO* bio) {
  Log log;
  std::string bytes(kLarge, 'c');
  log.push_back(static_cast<int>(BIO_do_handshake(bio)));
  log.push_back(BIO_write(bio, bytes.data(), kLarge));
  int total = 0;
  int size = 0;
  while ((size = BIO_read(bio, bytes.data(), kLarge)) > 0) {
    total += size;
    log.push_back(bytes[0]);
  }
  log.push_back(total);
  log.push_back(size);
  log.push_back(BIO_should_retry(bio));
  log.push_back(BIO_read(bio, bytes.data(), 1));
  return log;
}

// A stock server: reads all, answers as much, sends close_notify.
void Server(SSL_CTX* context, BIO* transport) {
  const Owned<BIO> bio(BIO_push(BIO_new_ssl(context, 0), transport));
  std::string bytes(kLarge, '\0');
  int total = 0;
  while (total < kLarge) {
    const int size = BIO_read(bio.get(), bytes.data(), kLarge);
    if (size <= 0) return;
    total += size;
  }
  BIO_write(bio.get(), bytes.data(), kLarge);
  BIO_ssl_shutdown(bio.get());
  // Until the client has gone.
  while (BIO_read(bio.get(), bytes.data(), 1) > 0) {
  }
}

class BlockingTest : public testing::TestWithParam<int> {
 protected:
  Log LogOf(BIO* (*new_tls)(SSL_CTX*, int)) {
    Wire wire = BlockingSocketWire();
    std::thread server(Server, server_.get(), wire.far.release());
    Owned<BIO> bio(BIO_push(new_tls(client_.get(), 1), wire.near.release()));
    const Log log = Client(bio.get());
    bio.reset();
    server.join();
    return log;
  }

  const Owned<SSL_CTX> server_ = ServerContext(GetParam());
  const Owned<SSL_CTX> client_ = ClientContext(GetParam());
};

TEST_P(BlockingTest, AProgramThatNeverDetachesSeesTheSame) {
  const Log log = LogOf(BIO_new_ssl);
  EXPECT_EQ(log[1], kLarge);
  EXPECT_EQ(LogOf(BIO_new_detachable), log);
}

// The listener's port is any that is free.
std::string Listen(int listener) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

TEST_P(BlockingTest, TheHandshakeConnectsAConnectBioBelow) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const std::string address = Listen(listener);
  for (const auto new_tls : {BIO_new_ssl, BIO_new_detachable}) {
    for (const long non_blocking : {0, 1}) {
      std::thread server([&] {
        Server(server_.get(), BIO_new_socket(accept(listener, nullptr, nullptr), BIO_CLOSE));
      });
      Owned<BIO> bio(BIO_push(new_tls(client_.get(), 1), BIO_new_connect(address.c_str())));
      BIO_set_nbio(bio.get(), non_blocking);
      while (BIO_do_connect(bio.get()) != 1) {
        ASSERT_TRUE(BIO_should_retry(bio.get()));
      }
      EXPECT_EQ(BIO_write(bio.get(), "x", 1), 1);
      bio.reset();
      server.join();
    }
  }
  close(listener);
}

TEST_P(BlockingTest, BothDetachAndGoOnRaw) {
  Wire wire = BlockingSocketWire();
  std::thread server([this, transport = wire.far.release()] {
    const Owned<BIO> bio(BIO_push(BIO_new_detachable(server_.get(), 0), transport));
    char bytes[100];
    EXPECT_EQ(BIO_read(bio.get(), bytes, sizeof(bytes)), 6);
    EXPECT_EQ(BIO_read(bio.get(), bytes, sizeof(bytes)), 0);
    EXPECT_EQ(BIO_detach(bio.get()), 1);
    EXPECT_EQ(BIO_write(bio.get(), "raw", 3), 3);
    EXPECT_EQ(BIO_read(bio.get(), bytes, sizeof(bytes)), 4);
    EXPECT_EQ(BIO_read_origin(bio.get()), BIO_DETACHABLE_RAW);
  });
  const Owned<BIO> bio(BIO_push(BIO_new_detachable(client_.get(), 1), wire.near.release()));
  char bytes[100];
  EXPECT_EQ(BIO_write(bio.get(), "detach", 6), 6);
  EXPECT_EQ(BIO_detach(bio.get()), 1);
  EXPECT_EQ(BIO_read(bio.get(), bytes, sizeof(bytes)), 0);
  EXPECT_EQ(BIO_receiving(bio.get()), BIO_DETACHABLE_RAW);
  EXPECT_EQ(BIO_read(bio.get(), bytes, sizeof(bytes)), 3);
  EXPECT_EQ(std::string_view(bytes, 3), "raw");
  EXPECT_EQ(BIO_write(bio.get(), "back", 4), 4);
  server.join();
}

INSTANTIATE_TEST_SUITE_P(Bio, BlockingTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
                         });

}  // namespace
}  // namespace detach
