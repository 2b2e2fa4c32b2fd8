// when=covered: what each side does at each event of docs/PROTOCOL.md §3.3, against an other proxy
// that the test plays. Without this a lie of the other proxy's, or an attacker on the path, decides
// what is raw.
#include "proxies/tunnel/covered_tunnel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "tests/proxies/tunnel/tunnel_under_test.h"

namespace detach {
namespace {

constexpr auto kClient = Side::kClientProxy;
constexpr auto kReverse = Side::kReverseProxy;
constexpr auto kCovered = DetachMode::kCovered;

// Both hellos have passed the tunnel, which is a reverse proxy's.
class ArmedReverseProxyTest : public ::testing::Test {
 protected:
  ArmedReverseProxyTest() {
    tunnel_.SendFromPeer(InnerClientHello());
    EXPECT_EQ(tunnel_.ReadAtPlain(InnerClientHello()), InnerClientHello());
    tunnel_.SendFromPlain(InnerServerHello());
    EXPECT_EQ(tunnel_.ReadAtPeer("tls:" + InnerServerHello()), "tls:" + InnerServerHello());
  }

  // Close_notify and `raw` behind it, in one segment.
  void DetachPeer(const std::string& raw) {
    ASSERT_TRUE(tunnel_.peer().Detach().ok());
    tunnel_.SendFromPeer(raw);
  }

  void ExpectViolation() {
    EXPECT_EQ(tunnel_.PlainToTheEnd(), "RST");
    EXPECT_EQ(tunnel_.End().status.fault(), Fault::kViolation) << tunnel_.End().status.message();
    EXPECT_EQ(tunnel_.End().up.raw, 0u);
    EXPECT_EQ(tunnel_.PeerToTheEnd(), "error:transport");
  }

  TunnelUnderTest tunnel_{kReverse, kCovered};
};

TEST_F(ArmedReverseProxyTest, BothDirectionsGoRawAndTheRestIsForTheRelay) {
  DetachPeer(InnerData() + "more");
  EXPECT_EQ(tunnel_.ReadAtPlain(InnerData() + "more"), InnerData() + "more");
  tunnel_.SendFromPlain(InnerData());
  const std::string expected = "detached raw:" + InnerData();
  EXPECT_EQ(tunnel_.ReadAtPeer(expected), expected);
  ASSERT_TRUE(tunnel_.End().raw);
  EXPECT_EQ(tunnel_.End().up.raw, InnerData().size() + 4);
  EXPECT_EQ(tunnel_.End().down.raw, InnerData().size());
}

TEST_F(ArmedReverseProxyTest, TheFirstByteBehindCloseNotifyMustBeginADataRecord) {
  DetachPeer(InnerRecord(22, "a handshake record"));
  ExpectViolation();
}

TEST_F(ArmedReverseProxyTest, BytesBehindCloseNotifyWithinARecordAreAViolation) {
  tunnel_.SendFromPeer(InnerData().substr(0, 7));
  EXPECT_EQ(tunnel_.ReadAtPlain(InnerData().substr(0, 7)), InnerData().substr(0, 7));
  DetachPeer(InnerData());
  // The plain end got its FIN at the close_notify, and then perhaps an RST.
  EXPECT_EQ(tunnel_.End().status.fault(), Fault::kViolation);
  EXPECT_EQ(tunnel_.End().up.raw, 0u);
}

TEST_F(ArmedReverseProxyTest, ACloseNotifyWithNothingBehindItIsTheEnd) {
  ASSERT_TRUE(tunnel_.peer().Detach().ok());
  tunnel_.Send();
  SendFin(tunnel_.peer_socket());
  EXPECT_EQ(tunnel_.PlainToTheEnd(), "FIN");
  tunnel_.SendFromPlain(InnerData());  // the other direction goes on
  const std::string expected = "detached raw:" + InnerData();
  EXPECT_EQ(tunnel_.ReadAtPeer(expected), expected);
}

TEST_F(ArmedReverseProxyTest, AnEndWithoutCloseNotifyIsNoDetachAndNoEnd) {
  SendFin(tunnel_.peer_socket());
  EXPECT_EQ(tunnel_.PlainToTheEnd(), "RST");
  EXPECT_EQ(tunnel_.End().status.fault(), Fault::kTruncated);
}

// The last covered bytes get out at the moment at which the other direction's next bytes come in:
// these are read by the relay or by the tunnel, but not by nobody.
TEST_F(ArmedReverseProxyTest, WhatComesAtTheMomentOfTheHandOverIsNotLost) {
  tunnel_.SendFromPlain(InnerData());
  EXPECT_EQ(tunnel_.ReadAtPeer("detached raw:" + InnerData()), "detached raw:" + InnerData());
  const std::string blocked = tunnel_.BlockPlain();
  DetachPeer(InnerData());
  tunnel_.Settle();
  const Result<std::size_t> sent = TrySend(tunnel_.plain(), AsBytes("late"));
  ASSERT_TRUE(sent.ok());
  ASSERT_EQ(*sent, 4u);
  const std::string taken = tunnel_.TakeAtPlain();
  ASSERT_TRUE(tunnel_.End().raw);
  const int to_relay = tunnel_.End().raw->b.get();
  std::array<char, 16> late{};
  EXPECT_EQ(::recv(to_relay, late.data(), late.size(), MSG_DONTWAIT), 4);
  EXPECT_EQ(taken + tunnel_.ReadAtPlain(blocked.substr(taken.size()) + InnerData()),
            blocked + InnerData());
}

TEST_F(ArmedReverseProxyTest, AResetIsPassedOnAsAReset) {
  Reset(tunnel_.peer_socket());
  EXPECT_EQ(tunnel_.PlainToTheEnd(), "RST");
  EXPECT_EQ(tunnel_.End().status.fault(), Fault::kTransport);
}

TEST_F(ArmedReverseProxyTest, AHeaderInPiecesIsHeldUntilItIsWhole) {
  for (const char byte : InnerData()) tunnel_.HandFromPlain(std::string(1, byte));
  const std::string expected = "detached raw:" + InnerData();
  EXPECT_EQ(tunnel_.ReadAtPeer(expected), expected);
}

TEST_F(ArmedReverseProxyTest, AHeaderThatIsNeverWholeEndsUnderCover) {
  const std::string half = InnerData().substr(0, 4);
  tunnel_.HandFromPlain(half);
  SendFin(tunnel_.plain());
  EXPECT_EQ(tunnel_.PeerToTheEnd(), "tls:" + half + " detached end");
}

// A peer that agreed and stays under cover loses nothing but speed.
TEST_F(ArmedReverseProxyTest, APeerThatNeverDetachesIsServedUnderCover) {
  tunnel_.SendFromPeer(InnerData() + InnerData());
  EXPECT_EQ(tunnel_.ReadAtPlain(InnerData() + InnerData()), InnerData() + InnerData());
  DetachPeer(InnerData());
  EXPECT_EQ(tunnel_.ReadAtPlain(InnerData()), InnerData());
}

// A close_notify is not believed twice, and what stands behind it is raw: bytes of the inner TLS.
TEST_F(ArmedReverseProxyTest, OwnDirectionStaysTlsUntilItsOwnDataRecord) {
  DetachPeer(InnerData());
  EXPECT_EQ(tunnel_.ReadAtPlain(InnerData()), InnerData());
  tunnel_.SendFromPlain(InnerRecord(20, "\1"));
  const std::string covered = "tls:" + InnerRecord(20, "\1");
  EXPECT_EQ(tunnel_.ReadAtPeer(covered), covered);
}

// What the other proxy sends before it closes, and then behind its close_notify.
struct Unarmed {
  const char* name;
  std::string covered;
};

class UnarmedTest : public ::testing::TestWithParam<Unarmed> {};

TEST_P(UnarmedTest, NotOneByteBehindCloseNotifyReachesTheDestination) {
  TunnelUnderTest tunnel(kReverse, kCovered);
  if (!GetParam().covered.empty()) tunnel.SendFromPeer(GetParam().covered);
  ASSERT_TRUE(tunnel.peer().Detach().ok());
  tunnel.SendFromPeer(InnerData());
  const std::string got = tunnel.PlainToTheEnd();
  // What was authenticated may arrive. Its end was authentic too: FIN, unless the RST overtakes it.
  EXPECT_TRUE(got == GetParam().covered + "RST" || got == GetParam().covered + "FIN") << got;
  EXPECT_EQ(tunnel.End().status.fault(), Fault::kViolation);
  EXPECT_EQ(tunnel.End().up.raw, 0u);
  EXPECT_EQ(tunnel.PeerToTheEnd(), "error:transport");
}

INSTANTIATE_TEST_SUITE_P(CoveredTunnelTest, UnarmedTest,
                         ::testing::Values(Unarmed{"NothingWasSaid", ""},
                                           Unarmed{"Ssh", "SSH-2.0-client\r\n"},
                                           Unarmed{"OneHelloAlone", InnerClientHello()},
                                           Unarmed{"DataWithoutHellos", InnerData()},
                                           Unarmed{"HalfAHello", InnerClientHello().substr(0, 20)}),
                         [](const auto& test) { return test.param.name; });

TEST(CoveredTunnelTest, AServerHelloOfTheOtherProxysOwnMakingArmsNothingAtTheReverseProxy) {
  TunnelUnderTest tunnel(kReverse, kCovered);
  tunnel.SendFromPeer(InnerServerHello());
  EXPECT_EQ(tunnel.ReadAtPlain(InnerServerHello()), InnerServerHello());
  ASSERT_TRUE(tunnel.peer().Detach().ok());
  tunnel.SendFromPeer(InnerData());
  EXPECT_EQ(tunnel.End().status.fault(), Fault::kViolation);
}

TEST(CoveredTunnelTest, AReverseProxyThatDetachesTooEarlyIsCutOff) {
  TunnelUnderTest tunnel(kClient, kCovered);
  tunnel.SendFromPlain(InnerClientHello());
  EXPECT_EQ(tunnel.ReadAtPeer("tls:" + InnerClientHello()), "tls:" + InnerClientHello());
  ASSERT_TRUE(tunnel.peer().Detach().ok());
  tunnel.SendFromPeer(InnerData());
  const std::string got = tunnel.PlainToTheEnd();
  EXPECT_TRUE(got == "RST" || got == "FIN") << got;
  EXPECT_EQ(tunnel.End().status.fault(), Fault::kViolation);
  EXPECT_EQ(tunnel.End().down.raw, 0u);
}

// RFC 9150: TLS 1.3 in name, without encryption.
TEST(CoveredTunnelTest, AnIntegrityOnlySuiteNeverGoesRaw) {
  TunnelUnderTest tunnel(kClient, kCovered);
  tunnel.SendFromPlain(InnerClientHello());
  EXPECT_EQ(tunnel.ReadAtPeer("tls:" + InnerClientHello()), "tls:" + InnerClientHello());
  tunnel.SendFromPeer(InnerServerHello(0xC0B4));
  EXPECT_EQ(tunnel.ReadAtPlain(InnerServerHello(0xC0B4)), InnerServerHello(0xC0B4));
  tunnel.SendFromPlain(InnerData());
  EXPECT_EQ(tunnel.ReadAtPeer("tls:" + InnerData()), "tls:" + InnerData());
}

TEST(CoveredTunnelTest, WithoutAnAgreementNothingIsEverRaw) {
  TunnelUnderTest tunnel(kClient, std::nullopt);
  tunnel.SendFromPlain(InnerClientHello());
  EXPECT_EQ(tunnel.ReadAtPeer("tls:" + InnerClientHello()), "tls:" + InnerClientHello());
  tunnel.SendFromPeer(InnerServerHello());
  EXPECT_EQ(tunnel.ReadAtPlain(InnerServerHello()), InnerServerHello());
  tunnel.SendFromPlain(InnerData());
  EXPECT_EQ(tunnel.ReadAtPeer("tls:" + InnerData()), "tls:" + InnerData());
  ASSERT_TRUE(tunnel.peer().Detach().ok());
  tunnel.SendFromPeer(InnerData());
  EXPECT_EQ(tunnel.End().status.fault(), Fault::kViolation);
  EXPECT_EQ(tunnel.End().down.raw, 0u);
}

TEST(CoveredTunnelTest, AnAuthenticEndPassesAndTheOtherDirectionGoesOn) {
  TunnelUnderTest tunnel(kReverse, kCovered);
  tunnel.SendFromPeer("the last words");
  ASSERT_TRUE(tunnel.peer().Detach().ok());
  tunnel.Send();
  EXPECT_EQ(tunnel.PlainToTheEnd(), "the last wordsFIN");
  tunnel.SendFromPlain("the answer");
  EXPECT_EQ(tunnel.ReadAtPeer("tls:the answer"), "tls:the answer");
  SendFin(tunnel.plain());
  EXPECT_EQ(tunnel.PeerToTheEnd(), "detached end");
  EXPECT_TRUE(tunnel.End().status.ok());
  EXPECT_FALSE(tunnel.End().raw);
}

}  // namespace
}  // namespace detach
