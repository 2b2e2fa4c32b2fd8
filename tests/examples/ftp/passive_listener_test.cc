#include "examples/ftp/passive_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>

#include "tests/support/tcp_pair.h"

namespace detach {
namespace {

constexpr std::chrono::seconds kPatience(30);

// Connects to `port` of 127.0.0.1, from `address`.
UniqueFd ConnectFrom(const char* address, std::uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in from{.sin_family = AF_INET};
  inet_pton(AF_INET, address, &from.sin_addr);
  sockaddr_in to{
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

class PassiveListenerTest : public ::testing::Test {
 protected:
  TcpPair control_ = ConnectedPair();
  Result<PassiveListener> listener_ = PassiveListener::Open(*EndpointsOf(control_.far.get()));
};

TEST_F(PassiveListenerTest, TakesTheControlConnectionsPeer) {
  const UniqueFd client = ConnectFrom("127.0.0.1", listener_->port());
  EXPECT_TRUE(listener_->Accept(Deadline(kPatience)).ok());
}

TEST_F(PassiveListenerTest, ClosesWhatComesFromElsewhereAndGoesOn) {
  const UniqueFd stranger = ConnectFrom("127.0.0.2", listener_->port());
  const UniqueFd client = ConnectFrom("127.0.0.1", listener_->port());
  const Result<UniqueFd> accepted = listener_->Accept(Deadline(kPatience));
  ASSERT_TRUE(accepted.ok());
  const Endpoints ends = *EndpointsOf(accepted->get());
  ASSERT_EQ(reinterpret_cast<const sockaddr_in&>(ends.peer).sin_addr.s_addr,
            htonl(INADDR_LOOPBACK));
  char byte = 0;
  EXPECT_EQ(read(stranger.get(), &byte, 1), 0);
}

TEST_F(PassiveListenerTest, GivesUpAtItsDeadline) {
  const UniqueFd stranger = ConnectFrom("127.0.0.2", listener_->port());
  EXPECT_FALSE(listener_->Accept(Deadline(std::chrono::milliseconds(1))).ok());
}

TEST_F(PassiveListenerTest, ItsAddressIsInPasvsForm) {
  const std::uint16_t port = listener_->port();
  EXPECT_EQ(listener_->PasvAddress(),
            "127,0,0,1," + std::to_string(port / 256) + "," + std::to_string(port % 256));
}

}  // namespace
}  // namespace detach
