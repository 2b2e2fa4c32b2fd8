// What becomes of a client's connections between two questions.
#include "provider/keeper/connections.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "provider/keeper/brief_closing.h"
#include "provider/keeper/channel.h"
#include "provider/keeper/client.h"
#include "provider/keeper/unix_socket.h"
#include "tests/provider/keeper/kept_connections_fixture.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

std::set<int> OpenDescriptors() {
  std::set<int> open;
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

class KeptConnectionsTest : public KeptConnectionsFixture {};

TEST_F(KeptConnectionsTest, ServeOneQuestionAfterTheOther) {
  const UniqueFd connection = KeptByClient();
  const KeeperClient copy = client_;
  for (const KeeperClient& client : {client_, copy}) {
    auto asking = std::async(std::launch::async, [&] { return Ask(client); });
    EXPECT_TRUE(Answer(connection));
    EXPECT_TRUE(asking.get().ok());
  }
  EXPECT_FALSE(MakesAnother());
}

TEST_F(KeptConnectionsTest, StayAfterARefusal) {
  const UniqueFd connection = KeptByClient();
  std::future<Status> asking = Asking();
  EXPECT_TRUE(TakeQuestion(connection));
  EXPECT_TRUE(Reply(connection, {.type = FrameType::kRefused, .argument = 7}));
  EXPECT_EQ(asking.get().fault(), Fault::kIncompatible);
  asking = Asking();
  EXPECT_TRUE(Answer(connection));
  EXPECT_TRUE(asking.get().ok());
}

TEST_F(KeptConnectionsTest, AreReplacedWhereTheKeeperHasEndedThem) {
  UniqueFd connection = KeptByClient();
  connection.reset();
  EXPECT_TRUE(AsksOverANewConnection());
}

TEST_F(KeptConnectionsTest, AreReplacedWhereTheKeeperEndsThemInsteadOfAnAnswer) {
  UniqueFd connection = KeptByClient();
  std::future<Status> asking = Asking();
  EXPECT_TRUE(TakeQuestion(connection));
  connection.reset();
  EXPECT_TRUE(Answer(Accept()));
  EXPECT_TRUE(asking.get().ok());
}

TEST_F(KeptConnectionsTest, AreReplacedOnceAndTheNextOnceMore) {
  UniqueFd connection = KeptByClient();
  connection.reset();
  std::future<Status> asking = Asking();
  EXPECT_TRUE(TakeQuestion(Accept()));  // and end it
  EXPECT_TRUE(TakeQuestion(Accept()));
  const Status status = asking.get();
  EXPECT_EQ(status.fault(), Fault::kTransport);
  EXPECT_EQ(status.message(),
            "the keeper of this proxy: the keeper has ended the connection; see its log");
  EXPECT_FALSE(MakesAnother());
}

TEST_F(KeptConnectionsTest, ANewOneIsReplacedOnceWhereTheKeeperDiesAndIsStartedAgain) {
  std::future<Status> asking = Asking();
  EXPECT_TRUE(TakeQuestion(Accept()));
  EXPECT_TRUE(Answer(Accept()));
  EXPECT_TRUE(asking.get().ok());
  ASSERT_FALSE(HasFailure());
  asking = Asking();  // the one before has ended
  EXPECT_TRUE(TakeQuestion(Accept()));
  EXPECT_TRUE(TakeQuestion(Accept()));
  EXPECT_EQ(asking.get().fault(), Fault::kTransport);
  EXPECT_FALSE(MakesAnother());
}

TEST_F(KeptConnectionsTest, ANewOneToASocketIsNotReplaced) {
  const TemporaryDirectory folder("/tmp");
  ::chmod(folder.path().c_str(), 0700);
  const std::string path = (folder.path() / "socket").string();
  const Result<UniqueFd> listener = ListenAt(path);
  ASSERT_TRUE(listener.ok()) << listener.status().message();
  const KeeperClient client = KeeperClient::At(path);
  auto asking = std::async(std::launch::async, [&] { return Ask(client); });
  EXPECT_TRUE(IsReadable(*listener));
  EXPECT_TRUE(TakeQuestion(UniqueFd(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC))));
  EXPECT_EQ(asking.get().fault(), Fault::kTransport);
  EXPECT_FALSE(IsReadable(*listener, 0));
}

TEST_F(KeptConnectionsTest, AreNotReplacedInTheMiddleOfAConversation) {
  UniqueFd connection = KeptByClient();
  auto asking = std::async(std::launch::async, [&] { return client_.Identities("").status(); });
  EXPECT_TRUE(TakeQuestion(connection));
  EXPECT_TRUE(Reply(connection, {.type = FrameType::kIdentity,
                                 .argument = 1,
                                 .position = 1,
                                 .name = "id",
                                 .payload = {'x'}}));
  EXPECT_TRUE(TakeQuestion(connection));
  connection.reset();
  EXPECT_EQ(asking.get().fault(), Fault::kTransport);
  EXPECT_FALSE(MakesAnother());
}

TEST_F(KeptConnectionsTest, AreGivenUpWithoutAnAnswerInTime) {
  const UniqueFd connection = KeptByClient();
  const Status status = Ask(client_);
  EXPECT_EQ(status.fault(), Fault::kTransport);
  EXPECT_EQ(status.message(), "the keeper of this proxy: has not answered for four seconds");
  EXPECT_FALSE(MakesAnother());
  EXPECT_TRUE(TakeQuestion(connection));
  EXPECT_FALSE(Reply(connection, Signature()));  // nobody is there to take it for another's
  EXPECT_TRUE(AsksOverANewConnection());
}

TEST_F(KeptConnectionsTest, AreGivenUpAfterAnAnswerThatIsNone) {
  const UniqueFd connection = KeptByClient();
  std::future<Status> asking = Asking();
  EXPECT_TRUE(TakeQuestion(connection));
  EXPECT_TRUE(Reply(connection, {.type = FrameType::kChain, .name = "id", .payload = {1}}));
  EXPECT_EQ(asking.get().fault(), Fault::kViolation);
  EXPECT_TRUE(AsksOverANewConnection());
}

// A read that gives up after a while begins anew after each signal.
TEST_F(KeptConnectionsTest, AreGivenUpInAProgramThatGetsSignalsAllTheTime) {
  BriefClosing::Prepare();
  UniqueFd connection = KeptByClient();
  auto asking = std::async(std::launch::async, [&] {
    const BriefClosing signals;  // one each millisecond
    return Ask(client_);
  });
  EXPECT_EQ(asking.wait_for(std::chrono::milliseconds(kPatience)), std::future_status::ready);
  connection.reset();
  EXPECT_NE(asking.get().message().find("has not answered for four seconds"), std::string::npos);
}

TEST_F(KeptConnectionsTest, AreNotTheirProcesssChildrens) {
  const UniqueFd connection = KeptByClient();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(Ask(client_).ok() ? 7 : 1);
  EXPECT_TRUE(Answer(Accept()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  std::future<Status> asking = Asking();  // the parent still has its own
  EXPECT_TRUE(Answer(connection));
  EXPECT_TRUE(asking.get().ok());
}

// The keeper judges its peers by the user who made the connection.
TEST_F(KeptConnectionsTest, AreNotAnotherUsers) {
  const UniqueFd connection = KeptByClient();
  if (::seteuid(65534) != 0) GTEST_SKIP() << "only root can become another, where there is one";
  EXPECT_TRUE(AsksOverANewConnection());
  ASSERT_EQ(::seteuid(0), 0);
}

TEST_F(KeptConnectionsTest, AreLeftAloneByWhoeverHasTheirDescriptorsByNow) {
  const std::set<int> before = OpenDescriptors();
  const UniqueFd connection = KeptByClient();
  std::set<int> kept = OpenDescriptors();
  for (const int fd : before) kept.erase(fd);
  kept.erase(connection.get());
  ASSERT_EQ(kept.size(), 1U);
  Result<PacketPair> foreign = NewPacketPair();
  ASSERT_EQ(::dup2(foreign->theirs.get(), *kept.begin()), *kept.begin());
  const UniqueFd stranger(*kept.begin());
  foreign->theirs.reset();
  EXPECT_TRUE(AsksOverANewConnection());
  char byte = 0;
  EXPECT_EQ(::recv(foreign->ours.get(), &byte, 1, MSG_DONTWAIT), -1);  // open, and nothing came
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(KeptConnectionsTest, AreFewWhoeverAsksAtOnce) {
  constexpr std::size_t kMany = KeeperConnections::kMaxKept + 4;
  std::vector<std::future<Status>> asking;
  std::vector<UniqueFd> connections;
  for (std::size_t i = 0; i < kMany; ++i) {
    asking.push_back(Asking());
    connections.push_back(Accept());
  }
  for (const UniqueFd& connection : connections) EXPECT_TRUE(Answer(connection));
  for (std::future<Status>& one : asking) EXPECT_TRUE(one.get().ok());
  std::size_t open = 0;
  for (const UniqueFd& connection : connections) {
    if (!IsReadable(connection, 0)) ++open;
  }
  EXPECT_EQ(open, KeeperConnections::kMaxKept);
}

TEST_F(KeptConnectionsTest, EndWithTheLastClient) {
  const UniqueFd connection = KeptByClient();
  client_ = KeeperClient::At("/nowhere");
  char byte = 0;
  EXPECT_EQ(::recv(connection.get(), &byte, 1, 0), 0);
}

TEST_F(KeptConnectionsTest, WhoHasNoDescriptorLeftIsToldSo) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status status = Ask(KeeperClient::At("/nowhere"));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status.message(), "/nowhere: Too many open files");
}

TEST_F(KeptConnectionsTest, AKeeperWhoseChainIsDamagedIsNone) {
  const std::vector<std::uint8_t> whole = {0x30, 0x01, 0xaa};
  const std::vector<std::uint8_t> half = {0x30, 0x02, 0xaa};
  for (const auto& chain : {whole, half}) {
    auto asking = std::async(std::launch::async, [&] { return client_.Identities("").status(); });
    const UniqueFd connection = Accept();
    EXPECT_TRUE(TakeQuestion(connection));
    EXPECT_TRUE(Reply(connection, {.type = FrameType::kIdentity,
                                   .argument = 1,
                                   .position = 1,
                                   .name = "id",
                                   .payload = {'x'}}));
    EXPECT_TRUE(TakeQuestion(connection));
    EXPECT_TRUE(Reply(connection, {.type = FrameType::kChain,
                                   .position = static_cast<std::uint32_t>(chain.size()),
                                   .name = "id",
                                   .payload = chain}));
    const Status status = asking.get();
    EXPECT_EQ(status.ok(), chain == whole);
    EXPECT_EQ(status.message().find("damaged chain") != std::string::npos, chain == half);
  }
}

TEST_F(KeptConnectionsTest, WhoClosesTheChannelIsToldSo) {
  Result<PacketPair> channel = NewPacketPair();
  const int descriptor = channel->ours.get();
  const KeeperClient client = KeeperClient::Through(std::move(channel->ours));
  ::close(descriptor);
  const Status status = Ask(client);
  EXPECT_EQ(status.fault(), Fault::kMisuse);
  EXPECT_NE(status.message().find("has closed the descriptor"), std::string::npos);
}

}  // namespace
}  // namespace detach
