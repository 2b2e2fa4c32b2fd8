#include "provider/keeper/server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "provider/keeper/channel.h"
#include "tests/provider/keeper/kept_identities.h"

namespace detach {
namespace {

class KeeperServerTest : public ::testing::Test {
 protected:
  KeeperServerTest() : requests_(OneIdentity()) { ::chmod(directory_.path().c_str(), 0700); }
  ~KeeperServerTest() override {
    ::eventfd_write(stop_.get(), 1);
    if (thread_.joinable()) thread_.join();
  }

  static std::vector<KeeperIdentity> OneIdentity() {
    std::vector<KeeperIdentity> identities;
    identities.push_back(NewIdentity("id", KeyType::kEd25519, Purpose::kTlsServer));
    return identities;
  }

  std::string Path() const { return (directory_.path() / "socket").string(); }

  void Serve(std::vector<uid_t> allowed_users) {
    server_ = std::make_unique<KeeperServer>(requests_, std::move(allowed_users));
    Result<UniqueFd> listener = ListenAt(Path());
    ASSERT_TRUE(listener.ok()) << listener.status().message();
    server_->Listen(*std::move(listener));
    thread_ = std::thread([this] { server_->Run(stop_.get()); });
  }

  // Returns the channel's end of those who ask.
  UniqueFd ServeChannel(unsigned threads = 0) {
    Result<PacketPair> channel = NewPacketPair();
    EXPECT_TRUE(channel.ok());
    ServeThrough(std::move(channel->theirs), threads);
    return std::move(channel->ours);
  }

  void ServeThrough(UniqueFd channel, unsigned threads = 0) {
    server_ = std::make_unique<KeeperServer>(requests_, std::vector<uid_t>{});
    EXPECT_TRUE(server_->TakeConnectionsFrom(std::move(channel)).ok());
    EXPECT_EQ(server_->Start(threads), threads);
    thread_ = std::thread([this] { server_->Run(stop_.get()); });
  }

  // The type of the reply to a question; nothing where the keeper ends the connection.
  static std::optional<FrameType> Ask(const UniqueFd& socket) {
    const FrameBytes request = EncodeFrame({.type = FrameType::kListIdentity});
    FrameBytes reply;
    if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
    if (::recv(socket.get(), reply.data(), reply.size(), 0) <= 0) return {};
    return DecodeFrame(reply)->type;
  }

  UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  TemporaryDirectory directory_{"/tmp"};
  Requests requests_;
  std::unique_ptr<KeeperServer> server_;
  std::thread thread_;
};

TEST_F(KeeperServerTest, AnswersTheUsersThatItMayServe) {
  Serve({::geteuid() + 1, ::geteuid()});
  const Result<UniqueFd> socket = ConnectTo(Path());
  ASSERT_TRUE(socket.ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(*socket), FrameType::kIdentity);
}

TEST_F(KeeperServerTest, AnswersNobodyElseNotEvenRoot) {
  Serve({::geteuid() + 1});
  const Result<UniqueFd> socket = ConnectTo(Path());
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ(Ask(*socket), std::nullopt);
}

TEST_F(KeeperServerTest, DoesNotWaitForAPeerThatReadsNoReplies) {
  Serve({::geteuid()});
  const Result<UniqueFd> deaf = ConnectTo(Path());
  ASSERT_TRUE(deaf.ok());
  const FrameBytes request = EncodeFrame({.type = FrameType::kListIdentity});
  while (::send(deaf->get(), request.data(), request.size(), MSG_NOSIGNAL) > 0) {
  }
  const Result<UniqueFd> other = ConnectTo(Path());
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(Ask(*other), FrameType::kIdentity);
}

// FewDescriptors lets this process open no more than it has.
class FewDescriptors {
 public:
  FewDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(::eventfd(0, EFD_CLOEXEC));
    const rlimit few = {static_cast<rlim_t>(next.get()), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST_F(KeeperServerTest, WhoComesWhenDescriptorsAreShortTakesThePlaceOfTheSilent) {
  Serve({::geteuid()});
  const Result<UniqueFd> silent = ConnectTo(Path());
  ASSERT_TRUE(silent.ok());
  EXPECT_EQ(Ask(*silent), FrameType::kIdentity);
  const UniqueFd fresh(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  GiveUpAfterFourSeconds(fresh.get());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  Path().copy(address.sun_path, sizeof address.sun_path - 1);
  const FewDescriptors few;
  ASSERT_EQ(::connect(fresh.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(Ask(fresh), FrameType::kIdentity);
  EXPECT_EQ(Ask(*silent), std::nullopt);
}

TEST_F(KeeperServerTest, TakesConnectionsFromASocketpairOfPackets) {
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM}) {
    std::array<int, 2> ends = {};
    ASSERT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), 0);
    const UniqueFd other(ends[1]);
    KeeperServer server(requests_, {});
    EXPECT_EQ(server.TakeConnectionsFrom(UniqueFd(ends[0])).ok(), type == SOCK_SEQPACKET);
  }
}

TEST_F(KeeperServerTest, AnswersWhoeverComesThroughItsChannel) {
  const UniqueFd channel = ServeChannel();
  for (int i = 0; i < 3; ++i) {
    const Result<UniqueFd> socket = ConnectThrough(channel.get());
    ASSERT_TRUE(socket.ok());
    EXPECT_EQ(Ask(*socket), FrameType::kIdentity);
  }
}

TEST_F(KeeperServerTest, AMessageInItsChannelThatIsNoneHindersNobody) {
  const UniqueFd channel = ServeChannel();
  ASSERT_EQ(::send(channel.get(), "x", 1, MSG_NOSIGNAL), 1);
  const Result<UniqueFd> socket = ConnectThrough(channel.get());
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ(Ask(*socket), FrameType::kIdentity);
}

void SendDescriptor(const UniqueFd& socket, std::string bytes, const UniqueFd& descriptor) {
  iovec part = {bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  const int sent = descriptor.get();
  std::memcpy(CMSG_DATA(rights), &sent, sizeof sent);
  EXPECT_GT(::sendmsg(socket.get(), &message, MSG_NOSIGNAL), 0);
}

// A TCP connection whose one end waits for an hour where it is closed: the other reads nothing.
struct LingeringConnection {
  LingeringConnection() {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener.get(), any, size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), any, &size), 0);
    EXPECT_EQ(::connect(lingers.get(), any, size), 0);
    deaf = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::vector<char> bytes(1 << 20);
    while (::send(lingers.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    const linger hour = {.l_onoff = 1, .l_linger = 3600};
    EXPECT_EQ(::setsockopt(lingers.get(), SOL_SOCKET, SO_LINGER, &hour, sizeof hour), 0);
  }

  // Sends the end that lingers, and keeps it no longer.
  void SendThrough(const UniqueFd& socket) {
    SendDescriptor(socket, "no question", lingers);
    lingers.reset();
  }

  UniqueFd lingers{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  UniqueFd deaf;
};

TEST_F(KeeperServerTest, ADescriptorThatTakesLongToCloseHindersNobody) {
  Result<PacketPair> channel = NewPacketPair();
  LingeringConnection connection;
  Result<PacketPair> rude = NewPacketPair();
  connection.SendThrough(rude->ours);
  SendDescriptor(channel->ours, "x", rude->theirs);
  rude->theirs.reset();
  ServeThrough(std::move(channel->theirs));  // now: whoever closes it last waits
  const Result<UniqueFd> other = ConnectThrough(channel->ours.get());
  EXPECT_EQ(Ask(*other), FrameType::kIdentity);
  std::array<char, 1> end = {};
  EXPECT_LE(::recv(rude->ours.get(), end.data(), end.size(), 0), 0);
}

TEST_F(KeeperServerTest, NorDoesOneThatNobodyHasReadYet) {
  Result<PacketPair> channel = NewPacketPair();
  LingeringConnection connection;
  Result<PacketPair> rude = NewPacketPair();
  ASSERT_EQ(::send(rude->ours.get(), "x", 1, MSG_NOSIGNAL), 1);
  connection.SendThrough(rude->ours);
  SendDescriptor(channel->ours, "x", rude->theirs);
  rude->theirs.reset();
  ServeThrough(std::move(channel->theirs));
  const Result<UniqueFd> other = ConnectThrough(channel->ours.get());
  EXPECT_EQ(Ask(*other), FrameType::kIdentity);
}

TEST_F(KeeperServerTest, AnswersAnyNumberOfPeersOnAnyNumberOfThreads) {
  const UniqueFd channel = ServeChannel(3);
  std::atomic<int> answers = 0;
  std::vector<std::thread> peers;
  for (int i = 0; i < 8; ++i) {
    peers.emplace_back([&] {
      for (int connections = 0; connections < 10; ++connections) {
        const Result<UniqueFd> socket = ConnectThrough(channel.get());
        for (int n = 0; n < 10; ++n) answers += Ask(*socket) == FrameType::kIdentity ? 1 : 0;
      }
    });
  }
  for (std::thread& peer : peers) peer.join();
  EXPECT_EQ(answers, 800);
}

TEST_F(KeeperServerTest, ServesWhoCameLastThroughAChannelThatHasEnded) {
  for (int i = 0; i < 200; ++i) {
    UniqueFd channel = ServeChannel(2);
    Result<UniqueFd> socket = ConnectThrough(channel.get());
    ASSERT_TRUE(socket.ok());
    channel.reset();
    EXPECT_EQ(Ask(*socket), FrameType::kIdentity);
    socket->reset();
    thread_.join();
  }
}

TEST_F(KeeperServerTest, ThreadsThatNeverRanEndWithIt) {
  KeeperServer server(requests_, {});
  EXPECT_EQ(server.Start(2), 2U);
}

TEST_F(KeeperServerTest, EndsAtOnceWhereNobodyCouldAsk) {
  KeeperServer server(requests_, {});
  server.Start(1);
  server.Run(stop_.get());
}

TEST_F(KeeperServerTest, EndsWithItsChannelAndThoseWhoCameThroughIt) {
  UniqueFd channel = ServeChannel();
  Result<UniqueFd> socket = ConnectThrough(channel.get());
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ(Ask(*socket), FrameType::kIdentity);
  channel.reset();
  EXPECT_EQ(Ask(*socket), FrameType::kIdentity);  // who is there stays
  socket->reset();
  thread_.join();
}

}  // namespace
}  // namespace detach
