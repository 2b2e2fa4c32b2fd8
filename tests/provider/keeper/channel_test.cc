#include "provider/keeper/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

PacketPair NewPair() {
  Result<PacketPair> pair = NewPacketPair();
  EXPECT_TRUE(pair.ok());
  return *std::move(pair);
}

UniqueFd NewSocketOf(int type) {
  std::array<int, 2> ends = {};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), 0);
  ::close(ends[1]);
  return UniqueFd(ends[0]);
}

// Sends what need not be a message of a channel.
void Send(const UniqueFd& channel, std::string bytes, std::vector<int> descriptors) {
  iovec part = {bytes.data(), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const std::size_t size = descriptors.size() * sizeof(int);
  std::vector<char> control(CMSG_SPACE(size));
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), size);
  }
  ASSERT_EQ(::sendmsg(channel.get(), &message, 0), static_cast<ssize_t>(bytes.size()));
}

// Whether somebody still has the other end of `socket`, which says nothing.
bool IsOpen(const UniqueFd& socket) {
  char byte = 0;
  return ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

class ChannelTest : public ::testing::Test {
 protected:
  Fault Refusal() const {
    const Result<UniqueFd> accepted = AcceptFrom(channel_.theirs.get());
    return accepted.status().fault();
  }

  PacketPair channel_ = NewPair();
};

TEST_F(ChannelTest, ConnectsThoseWhoAskWithTheKeeper) {
  for (int i = 0; i < 3; ++i) {
    const Result<UniqueFd> asking = ConnectThrough(channel_.ours.get());
    ASSERT_TRUE(asking.ok()) << asking.status().message();
    const Result<UniqueFd> keeper = AcceptFrom(channel_.theirs.get());
    ASSERT_TRUE(keeper.ok() && keeper->valid());
    ASSERT_EQ(::send(asking->get(), "question", 8, 0), 8);
    std::array<char, 16> bytes = {};
    EXPECT_EQ(::recv(keeper->get(), bytes.data(), bytes.size(), 0), 8);
  }
}

TEST_F(ChannelTest, HasNoConnectionWhereNobodyAsks) {
  const Result<UniqueFd> accepted = AcceptFrom(channel_.theirs.get());
  EXPECT_TRUE(accepted.ok() && !accepted->valid());
}

TEST_F(ChannelTest, ConnectionsWaitForTheNextKeeper) {
  const UniqueFd next(::dup(channel_.theirs.get()));
  const Result<UniqueFd> asking = ConnectThrough(channel_.ours.get());
  ASSERT_TRUE(asking.ok());
  channel_.theirs.reset();
  EXPECT_TRUE(IsOpen(*asking));
  const Result<UniqueFd> accepted = AcceptFrom(next.get());
  EXPECT_TRUE(accepted.ok() && accepted->valid());
}

TEST_F(ChannelTest, EndsWithWhoeverHasTheOtherEnd) {
  PacketPair other = NewPair();
  other.theirs.reset();
  EXPECT_EQ(ConnectThrough(other.ours.get()).status().fault(), Fault::kTransport);
  channel_.ours.reset();
  EXPECT_EQ(Refusal(), Fault::kTransport);
}

TEST_F(ChannelTest, RefusesAMessageWithoutADescriptor) {
  Send(channel_.ours, "x", {});
  EXPECT_EQ(Refusal(), Fault::kViolation);
}

TEST_F(ChannelTest, RefusesAndClosesMoreThanOneDescriptor) {
  for (const std::size_t count : {2, 3, 9}) {
    PacketPair pair = NewPair();
    Send(channel_.ours, "x", std::vector<int>(count, pair.theirs.get()));
    pair.theirs.reset();
    EXPECT_TRUE(IsOpen(pair.ours));
    EXPECT_EQ(Refusal(), Fault::kViolation);
    EXPECT_FALSE(IsOpen(pair.ours)) << count;
  }
}

TEST_F(ChannelTest, RefusesAndClosesWhatCannotCarryFrames) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    Send(channel_.ours, "x", {NewSocketOf(type).get()});
    EXPECT_EQ(Refusal(), Fault::kViolation);
  }
  std::array<int, 2> ends = {};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd reader(ends[0]);
  Send(channel_.ours, "x", {UniqueFd(ends[1]).get()});
  EXPECT_EQ(Refusal(), Fault::kViolation);
  char byte = 0;
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0);  // nobody has the other end
}

TEST_F(ChannelTest, RefusesAMessageOfAnotherLength) {
  PacketPair pair = NewPair();
  Send(channel_.ours, "xy", {pair.theirs.get()});
  Send(channel_.ours, "", {pair.theirs.get()});
  pair.theirs.reset();
  EXPECT_EQ(Refusal(), Fault::kViolation);
  EXPECT_EQ(Refusal(), Fault::kViolation);
  EXPECT_FALSE(IsOpen(pair.ours));
}

TEST_F(ChannelTest, TakesTheNextConnectionAfterARefusal) {
  Send(channel_.ours, "x", {});
  const Result<UniqueFd> asking = ConnectThrough(channel_.ours.get());
  ASSERT_TRUE(asking.ok());
  EXPECT_EQ(Refusal(), Fault::kViolation);
  const Result<UniqueFd> accepted = AcceptFrom(channel_.theirs.get());
  EXPECT_TRUE(accepted.ok() && accepted->valid());
}

}  // namespace
}  // namespace detach
