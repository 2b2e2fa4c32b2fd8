#include "bio/socket/detachable_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "tests/bio/socket/socket_pair.h"

namespace detach {
namespace {

class DetachableSocketTest : public testing::TestWithParam<TlsVersion> {};

INSTANTIATE_TEST_SUITE_P(Versions, DetachableSocketTest,
                         testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName);

// One round: raw, TLS, raw again, with both ends in step.
void Round(DetachableSocket& mine, TlsContext& context, const std::string& tag, bool first) {
  const auto exchange = [&](Origin origin, const std::string& text) {
    if (first) {
      EXPECT_OK(mine.Write(AsBytes(text)));
    }
    EXPECT_EQ(ReadText(mine, origin, text.size()), text);
    if (!first) {
      EXPECT_OK(mine.Write(AsBytes(text)));
    }
  };
  exchange(Origin::kRaw, "raw before " + tag);
  EXPECT_OK(mine.Upgrade(context));
  exchange(Origin::kTls, "under TLS " + tag);
  EXPECT_OK(mine.Detach());
  EXPECT_FALSE(mine.session().has_tls());
  exchange(Origin::kRaw, "raw behind " + tag);
}

TEST_P(DetachableSocketTest, GoesThroughTlsAndBackToRawAgainAndAgain) {
  SocketPair pair;
  TlsContext& client = ClientContext(GetParam());
  TlsContext& server = ServerContext(GetParam());
  for (int round = 0; round < 10; ++round) {
    const std::string tag = std::to_string(round);
    Together([&] { Round(pair.client, client, tag, true); },
             [&] { Round(pair.server, server, tag, false); });
  }
}

TEST_P(DetachableSocketTest, KeepsMegabytesInOrderOnBothSidesOfTheSwitch) {
  SocketPair pair;
  UpgradeBoth(pair, GetParam());
  const std::string tls(3'000'000, 't');
  const std::string raw(3'000'000, 'r');
  Together(
      [&] {
        EXPECT_OK(pair.client.Write(AsBytes(tls)));
        EXPECT_OK(pair.client.Detach());
        EXPECT_OK(pair.client.Write(AsBytes(raw)));
      },
      [&] {
        EXPECT_EQ(ReadText(pair.server, Origin::kTls, tls.size()), tls);
        EXPECT_OK(pair.server.Detach());
        EXPECT_EQ(ReadText(pair.server, Origin::kRaw, raw.size()), raw);
      });
}

TEST_P(DetachableSocketTest, AnswersAPeerThatDetachesFirst) {
  SocketPair pair;
  UpgradeBoth(pair, GetParam());
  Together([&] { EXPECT_OK(pair.client.Detach()); },
           [&] {
             EXPECT_EQ(ReadOnce(pair.server), ReadEvent::kPeerDetached);
             EXPECT_OK(pair.server.Detach());
           });
  EXPECT_OK(pair.server.Write(AsBytes("raw")));
  EXPECT_EQ(ReadText(pair.client, Origin::kRaw, 3), "raw");
}

TEST_P(DetachableSocketTest, BothMayDetachAtOnce) {
  SocketPair pair;
  UpgradeBoth(pair, GetParam());
  Together([&] { EXPECT_OK(pair.client.Detach()); }, [&] { EXPECT_OK(pair.server.Detach()); });
  EXPECT_OK(pair.client.Write(AsBytes("raw")));
  EXPECT_EQ(ReadText(pair.server, Origin::kRaw, 3), "raw");
}

TEST_P(DetachableSocketTest, UpgradesFromARawLineAndAClientHelloInOneSegment) {
  SocketPair pair;
  TlsContext& context = ClientContext(GetParam());
  Together(
      [&] {
        EXPECT_OK(pair.client.Write(AsBytes("STARTTLS\n")));
        EXPECT_OK(pair.client.Upgrade(context));
        EXPECT_OK(pair.client.Write(AsBytes("secret")));
      },
      [&] {
        EXPECT_EQ(ReadText(pair.server, Origin::kRaw, 9), "STARTTLS\n");
        EXPECT_OK(pair.server.Upgrade(ServerContext(GetParam())));
        EXPECT_EQ(ReadText(pair.server, Origin::kTls, 6), "secret");
      });
}

TEST_P(DetachableSocketTest, ReleasesTheDescriptorWithItsLeftover) {
  SocketPair pair;
  UpgradeBoth(pair, GetParam());
  Together(
      [&] {
        EXPECT_OK(pair.client.Detach());
        EXPECT_OK(pair.client.Write(AsBytes("left over, then more")));
      },
      [&] { EXPECT_OK(pair.server.Detach()); });
  // One byte read brings in whatever else lay in the kernel.
  EXPECT_EQ(ReadText(pair.server, Origin::kRaw, 1), "l");

  Result<DetachableSocket::Released> released = pair.server.Release();
  ASSERT_TRUE(released.ok()) << released.status().message();
  EXPECT_EQ(std::string(released->leftover.begin(), released->leftover.end()),
            "eft over, then more");
  EXPECT_EQ(fcntl(released->fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_OK(pair.client.Write(AsBytes("!")));
  char byte = 0;
  EXPECT_EQ(recv(released->fd.get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, '!');
  EXPECT_EQ(pair.server.Write(AsBytes("x")).fault(), Fault::kMisuse);
}

TEST_P(DetachableSocketTest, MayLeaveTlsOnItsSideAloneAndClose) {
  SocketPair pair;
  UpgradeBoth(pair, GetParam());
  EXPECT_OK(pair.client.DetachSending());
  { const DetachableSocket closed = std::move(pair.client); }
  EXPECT_EQ(ReadOnce(pair.server), ReadEvent::kPeerDetached);
  EXPECT_EQ(ReadOnce(pair.server), ReadEvent::kEnd);
}

TEST_P(DetachableSocketTest, ReportsTheEndOfARawConnection) {
  SocketPair pair;
  UpgradeBoth(pair, GetParam());
  Together([&] { EXPECT_OK(pair.client.Detach()); }, [&] { EXPECT_OK(pair.server.Detach()); });
  { const DetachableSocket closed = std::move(pair.client); }
  EXPECT_EQ(ReadOnce(pair.server), ReadEvent::kEnd);
}

TEST(HalfDetachTest, LeavesThePeersDirectionUnderTls) {
  SocketPair pair;
  UpgradeBoth(pair, TlsVersion::kTls13);
  EXPECT_OK(pair.client.DetachSending(AsBytes("raw")));
  EXPECT_EQ(ReadOnce(pair.server), ReadEvent::kPeerDetached);
  EXPECT_EQ(ReadText(pair.server, Origin::kRaw, 3), "raw");
  EXPECT_OK(pair.server.Write(AsBytes("still TLS")));
  EXPECT_EQ(ReadText(pair.client, Origin::kTls, 9), "still TLS");
  EXPECT_OK(pair.server.DetachSending(AsBytes("raw too")));
  EXPECT_OK(pair.client.Detach());
  EXPECT_EQ(ReadText(pair.client, Origin::kRaw, 7), "raw too");
}

// A socket that keeps the bounds of what is sent shows what left in one send.
TEST(HalfDetachTest, SendsCloseNotifyAndTheFirstRawBytesAtOnce) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  SocketPair pair{DetachableSocket(UniqueFd(ends[0])), DetachableSocket(UniqueFd(ends[1]))};
  UpgradeBoth(pair, TlsVersion::kTls13);
  EXPECT_OK(pair.server.DetachSending(AsBytes("first raw bytes")));

  std::string sent;
  char space[20'000];
  // What comes before it are the session tickets.
  for (ssize_t size; (size = recv(ends[0], space, sizeof space, MSG_DONTWAIT)) > 0;) {
    sent.assign(space, static_cast<std::size_t>(size));
  }
  constexpr std::size_t kCloseNotify = 24;  // header, two bytes, content type, tag
  ASSERT_EQ(sent.size(), kCloseNotify + 15);
  EXPECT_EQ(sent.substr(kCloseNotify), "first raw bytes");
}

}  // namespace
}  // namespace detach
