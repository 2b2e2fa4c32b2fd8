// when=connect: who may close first, on what, and what ends the offer (docs/PROTOCOL.md §4).
// Without this plain text goes raw, or bytes that were held back are lost.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "proxies/tunnel/covered_tunnel.h"
#include "tests/proxies/tunnel/tunnel_under_test.h"

namespace detach {
namespace {

constexpr auto kClient = Side::kClientProxy;
constexpr auto kReverse = Side::kReverseProxy;
constexpr auto kConnect = DetachMode::kConnect;

// Over TLS 1.3, which could go raw by halves, and 1.2, which cannot.
class ConnectModeTest : public ::testing::TestWithParam<TlsVersion> {
 protected:
  TunnelUnderTest client_{kClient, kConnect, GetParam()};
  TunnelUnderTest reverse_{kReverse, kConnect, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(OuterTls, ConnectModeTest,
                         ::testing::Values(TlsVersion::kTls12, TlsVersion::kTls13),
                         [](const auto& test) {
                           return test.param == TlsVersion::kTls12 ? "12" : "13";
                         });

TEST_P(ConnectModeTest, AClientHelloIsHeldUntilTheAnswerAndThenTheFirstRawBytes) {
  client_.SendFromPlain(InnerClientHello());
  EXPECT_EQ(client_.ReadAtPeer("detached"), "detached");
  ASSERT_TRUE(client_.peer().Detach().ok());
  client_.Send();
  const CoveredTunnelEnd& end = client_.End();
  ASSERT_TRUE(end.raw) << end.status.message();
  EXPECT_EQ(std::string(end.raw->b_to_a.leftover.begin(), end.raw->b_to_a.leftover.end()),
            InnerClientHello());
  EXPECT_EQ(end.up.covered + end.down.covered, 0u);
}

TEST_P(ConnectModeTest, TheReverseProxyAnswersAnOffer) {
  ASSERT_TRUE(reverse_.peer().Detach().ok());
  reverse_.Send();
  EXPECT_EQ(reverse_.ReadAtPeer("detached"), "detached");
  EXPECT_TRUE(reverse_.End().raw);
}

TEST_P(ConnectModeTest, NothingButAClientHelloIsOffered) {
  for (const std::string& text : {std::string("GET /secret HTTP/1.1\r\n"), InnerData(),
                                  InnerServerHello(), InnerRecord(22, "") + "..."}) {
    TunnelUnderTest tunnel(kClient, kConnect, GetParam());
    tunnel.SendFromPlain(text);
    EXPECT_EQ(tunnel.ReadAtPeer("tls:" + text), "tls:" + text);
  }
}

TEST_P(ConnectModeTest, ADestinationThatSpeaksFirstEndsTheOfferAtTheReverseProxy) {
  reverse_.SendFromPlain("SSH-2.0-server\r\n");
  EXPECT_EQ(reverse_.ReadAtPeer("tls:SSH-2.0-server\r\n"), "tls:SSH-2.0-server\r\n");
  ASSERT_TRUE(reverse_.peer().Detach().ok());
  reverse_.Send();
  EXPECT_EQ(reverse_.PlainToTheEnd(), "FIN");  // no detach: the end of what the client had to say
}

TEST_P(ConnectModeTest, ADestinationThatSpeaksFirstEndsTheOfferAtTheClientProxy) {
  client_.SendFromPeer("SSH-2.0-server\r\n");
  EXPECT_EQ(client_.ReadAtPlain("SSH-2.0-server\r\n"), "SSH-2.0-server\r\n");
  client_.SendFromPlain(InnerClientHello());
  EXPECT_EQ(client_.ReadAtPeer("tls:" + InnerClientHello()), "tls:" + InnerClientHello());
}

// Its bytes cross the offer on the wire.
TEST_P(ConnectModeTest, WhatTheDestinationSaysBehindTheOfferEndsTheTunnel) {
  client_.HandFromPlain(InnerClientHello());
  client_.SendFromPeer("SSH-2.0-server\r\n");
  EXPECT_EQ(client_.End().status.fault(), Fault::kViolation) << client_.End().status.message();
  EXPECT_EQ(client_.PlainToTheEnd(), "RST");
}

TEST_P(ConnectModeTest, HalfAClientHelloIsNotLostWhereTheDestinationSpeaksFirst) {
  client_.HandFromPlain(InnerClientHello().substr(0, 3));
  client_.SendFromPeer("SSH-2.0-server\r\n");
  EXPECT_EQ(client_.ReadAtPlain("SSH-2.0-server\r\n"), "SSH-2.0-server\r\n");
  client_.SendFromPlain(InnerClientHello().substr(3));
  EXPECT_EQ(client_.ReadAtPeer("tls:" + InnerClientHello()), "tls:" + InnerClientHello());
}

// Its end would be a close_notify, which the reverse proxy would take for an offer; and then what a
// destination says that speaks first would be raw.
TEST_P(ConnectModeTest, ABrowserThatLeavesWithoutAByteOffersNothing) {
  SendFin(client_.plain());
  EXPECT_EQ(client_.PeerToTheEnd(), "error:transport");
}

TEST(ConnectModeTls13Test, ADestinationThatLeavesFirstEndsTheOffer) {
  TunnelUnderTest tunnel(kClient, kConnect);
  ASSERT_TRUE(tunnel.peer().Detach().ok());
  tunnel.Send();
  EXPECT_EQ(tunnel.PlainToTheEnd(), "FIN");
  tunnel.SendFromPlain(InnerClientHello());
  EXPECT_EQ(tunnel.ReadAtPeer("tls:" + InnerClientHello()), "tls:" + InnerClientHello());
}

TEST_P(ConnectModeTest, AnOfferThatIsNeverAnsweredEndsInTheTunnelsEnd) {
  TunnelUnderTest tunnel(kClient, kConnect, GetParam(), std::chrono::milliseconds(1));
  tunnel.SendFromPlain(InnerClientHello());
  EXPECT_EQ(tunnel.PlainToTheEnd(), "RST");
  EXPECT_EQ(tunnel.End().status.fault(), Fault::kTransport);
  EXPECT_NE(tunnel.End().status.message().find("close_notify"), std::string::npos);
}

TEST_P(ConnectModeTest, ATruncationIsNoAnswer) {
  client_.HandFromPlain(InnerClientHello());
  SendFin(client_.peer_socket());
  EXPECT_EQ(client_.End().status.fault(), Fault::kTruncated);
  EXPECT_EQ(client_.PlainToTheEnd(), "RST");
}

}  // namespace
}  // namespace detach
