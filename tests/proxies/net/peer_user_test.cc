#include "proxies/net/peer_user.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>

namespace detach {
namespace {

using asio::ip::tcp;

class PeerUserTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    acceptor_.open(any_.protocol());
    acceptor_.bind(any_);
    acceptor_.listen();
    client_.connect(acceptor_.local_endpoint());
    server_ = acceptor_.accept();
  }

  asio::io_context context_;
  tcp::endpoint any_{asio::ip::make_address(GetParam()), 0};
  tcp::acceptor acceptor_{context_};
  tcp::socket client_{context_};
  tcp::socket server_{context_};
};

TEST_P(PeerUserTest, OurOwnConnectionIsOurs) {
  const Result<uid_t> user = LoopbackPeerUser(server_.remote_endpoint(), server_.local_endpoint());
  ASSERT_TRUE(user.ok()) << user.status().message();
  EXPECT_EQ(*user, ::geteuid());
}

TEST_P(PeerUserTest, ASocketThatIsNotThereIsNobodys) {
  tcp::endpoint nobody = server_.remote_endpoint();
  nobody.port(1);
  EXPECT_EQ(LoopbackPeerUser(nobody, server_.local_endpoint()).status().fault(), Fault::kTransport);
}

// The kernel says that it is root's.
TEST_P(PeerUserTest, ASocketThatItsOwnerHasClosedIsNobodys) {
  const tcp::endpoint peer = server_.remote_endpoint();
  client_.close();
  EXPECT_EQ(LoopbackPeerUser(peer, server_.local_endpoint()).status().fault(), Fault::kTransport);
}

INSTANTIATE_TEST_SUITE_P(Families, PeerUserTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& family) {
                           return family.param[0] == ':' ? "IPv6" : "IPv4";
                         });

}  // namespace
}  // namespace detach
