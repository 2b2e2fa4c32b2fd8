// What a DetachableSocket says when the peer, or the network, does not do its part.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "bio/socket/detachable_socket.h"
#include "bio/socket/tcp.h"
#include "tests/bio/socket/socket_pair.h"

namespace detach {
namespace {

class SocketFailureTest : public testing::TestWithParam<TlsVersion> {
 protected:
  SocketFailureTest() { UpgradeBoth(pair_, GetParam()); }

  // Closes the client's end: FIN without close_notify.
  void CloseClient() { const DetachableSocket closed = std::move(pair_.client); }

  SocketPair pair_;
};

INSTANTIATE_TEST_SUITE_P(Versions, SocketFailureTest,
                         testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName);

Fault FaultOfRead(DetachableSocket& socket, std::optional<Deadline> deadline = {}) {
  std::uint8_t byte = 0;
  return socket.Read({&byte, 1}, deadline).status().fault();
}

TEST_P(SocketFailureTest, DetachFailsForEverWhenThePeerDoesNotAnswerInTime) {
  const Status detached = pair_.client.Detach(Deadline(std::chrono::milliseconds(1)));
  EXPECT_EQ(detached.fault(), Fault::kTransport);
  EXPECT_EQ(detached.message(), "the peer did not answer close_notify within 1 ms");
  EXPECT_EQ(pair_.client.Write(AsBytes("x")).message(), detached.message());
  EXPECT_EQ(FaultOfRead(pair_.client), Fault::kTransport);
  EXPECT_EQ(pair_.client.Release().status().message(), detached.message());
}

TEST_P(SocketFailureTest, DetachTakesAnEndForATruncation) {
  CloseClient();
  EXPECT_EQ(pair_.server.Detach().fault(), Fault::kTruncated);
}

TEST_P(SocketFailureTest, ReadTakesAnEndForATruncation) {
  CloseClient();
  EXPECT_EQ(FaultOfRead(pair_.server), Fault::kTruncated);
  EXPECT_EQ(FaultOfRead(pair_.server), Fault::kTruncated);
}

TEST_P(SocketFailureTest, DetachFailsWhenThePeerSendsData) {
  EXPECT_OK(pair_.client.Write(AsBytes("not silent")));
  EXPECT_EQ(pair_.server.Detach().fault(), Fault::kViolation);
  EXPECT_EQ(FaultOfRead(pair_.server), Fault::kViolation);
}

TEST_P(SocketFailureTest, ReadMayBeTriedAgainAfterItsDeadline) {
  EXPECT_EQ(FaultOfRead(pair_.server, Deadline(kAlreadyOver)), Fault::kTransport);
  EXPECT_OK(pair_.client.Write(AsBytes("late")));
  EXPECT_EQ(ReadText(pair_.server, Origin::kTls, 4), "late");
}

TEST_P(SocketFailureTest, WriteFailsForEverWhenThePeerReadsNothing) {
  const std::string much(64 << 20, 'x');
  const Status written = pair_.client.Write(AsBytes(much), Deadline(std::chrono::milliseconds(1)));
  EXPECT_EQ(written.message(), "the peer did not take what was sent within 1 ms");
  EXPECT_EQ(FaultOfRead(pair_.client), Fault::kTransport);
}

TEST_P(SocketFailureTest, ReleaseRefusesAConnectionUnderTls) {
  EXPECT_EQ(pair_.client.Release().status().fault(), Fault::kMisuse);
  EXPECT_OK(pair_.client.Write(AsBytes("unharmed")));
  EXPECT_EQ(ReadText(pair_.server, Origin::kTls, 8), "unharmed");
}

TEST(RawFailureTest, DetachRefusesARawConnection) {
  SocketPair pair;
  EXPECT_EQ(pair.client.Detach().fault(), Fault::kMisuse);
  EXPECT_EQ(pair.client.DetachSending().fault(), Fault::kMisuse);
}

TEST(RawFailureTest, UpgradeFailsForEverWhenThePeerIsSilent) {
  SocketPair pair;
  TlsContext& context = ClientContext(TlsVersion::kTls13);
  const Status upgraded = pair.client.Upgrade(context, Deadline(kAlreadyOver));
  EXPECT_EQ(upgraded.message(), "the peer did not finish the handshake within 0 ms");
  EXPECT_EQ(FaultOfRead(pair.client), Fault::kTransport);
}

TEST(RawFailureTest, AFailedHandshakeTellsThePeerWhy) {
  SocketPair pair;
  TlsContext& server = ServerContext(TlsVersion::kTls12);
  TlsContext& client = ClientContext(TlsVersion::kTls13);
  Together([&] { EXPECT_FALSE(pair.client.Upgrade(client).ok()); },
           [&] { EXPECT_FALSE(pair.server.Upgrade(server).ok()); });
  EXPECT_EQ(pair.client.session().peer_alert(), 70);  // protocol_version
}

TEST(RawFailureTest, RaisesNoSigpipe) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  DetachableSocket socket{UniqueFd(ends[0])};
  UniqueFd(ends[1]).reset();
  EXPECT_EQ(socket.Write(AsBytes("x")).message(), "send: Broken pipe");
}

TEST(RawFailureTest, AResetIsNoEndOfData) {
  RawPair pair;
  Reset(std::move(pair.peer));
  EXPECT_EQ(FaultOfRead(pair.socket), Fault::kTransport);
  EXPECT_EQ(FaultOfRead(pair.socket), Fault::kTransport);
}

// The kernel tells a reset once: had send() been told, recv() would see an orderly end.
TEST(RawFailureTest, AResetThatSendingMetIsNoEndOfDataForReading) {
  RawPair pair;
  ASSERT_EQ(send(pair.peer.get(), "last words", 10, 0), 10);
  Reset(std::move(pair.peer));
  EXPECT_EQ(pair.socket.Write(AsBytes("x")).fault(), Fault::kTransport);
  EXPECT_EQ(ReadText(pair.socket, Origin::kRaw, 10), "last words");
  EXPECT_EQ(FaultOfRead(pair.socket), Fault::kTransport);
}

TEST(TcpTest, AcceptGivesUpWhenNobodyConnects) {
  const Listener listener;
  const Result<UniqueFd> accepted = AcceptTcp(listener.fd.get(), Deadline(kAlreadyOver));
  EXPECT_EQ(accepted.status().message(), "nobody connected within 0 ms");
}

TEST(TcpTest, ConnectSaysThatNobodyListens) {
  const std::uint16_t port = Listener().port;
  const Result<DetachableSocket> connected = DetachableSocket::Connect("127.0.0.1", port);
  EXPECT_EQ(connected.status().message(),
            "127.0.0.1 port " + std::to_string(port) + ": connect: Connection refused");
}

TEST(TcpTest, ConnectGivesUpWhenNobodyAnswers) {
  const Listener listener(/*backlog=*/0);
  std::vector<UniqueFd> queued;  // once the queue is full, Linux drops each SYN
  for (;;) {
    Result<UniqueFd> connected =
        ConnectTcp("127.0.0.1", listener.port, Deadline(std::chrono::milliseconds(20)));
    if (!connected.ok()) {
      EXPECT_EQ(connected.status().fault(), Fault::kTransport);
      break;
    }
    queued.push_back(*std::move(connected));
  }
}

TEST(TcpTest, ConnectNamesAHostThatCannotBeFound) {
  const Result<DetachableSocket> connected = DetachableSocket::Connect("no.such.invalid", 1);
  EXPECT_EQ(connected.status().fault(), Fault::kTransport);
  EXPECT_NE(connected.status().message().find("no.such.invalid"), std::string::npos);
}

}  // namespace
}  // namespace detach
