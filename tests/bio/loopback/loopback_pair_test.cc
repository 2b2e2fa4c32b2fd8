// The loopback pair around a stock libssl: exact, in either role, over either form, any number of
// times.
#include "bio/loopback/loopback_pair.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/bio/loopback/loopback_fixture.h"

namespace detach {
namespace {

constexpr int kRounds = 3;
const std::string kHello = "under TLS";
const std::string kGo = "GO";
const std::string kRaw = "raw, right behind it";

enum class First { kPeer, kStack };

using Parameters = std::tuple<TlsVersion, Form, Role, First>;

class LoopbackPairTest : public testing::TestWithParam<Parameters> {
 protected:
  TlsVersion version() const { return std::get<0>(GetParam()); }
  Form form() const { return std::get<1>(GetParam()); }
  bool stack_is_server() const { return std::get<2>(GetParam()) == Role::kServer; }
  bool peer_first() const { return std::get<3>(GetParam()) == First::kPeer; }
  TlsContext& peer_context() const {
    return stack_is_server() ? ClientContext(version()) : ServerContext(version());
  }
  SslContext StackContext() const {
    return stack_is_server() ? StockServerContext(version())
                             : StockContext(TLS_client_method(), version());
  }

  // As a client, the peer sends its next ClientHello right behind its raw bytes.
  bool Answered(int round) const { return !stack_is_server() || round == kRounds - 1; }
  void PeerDetaches(DetachableSocket& peer) const;
  void StackDetaches(Pairing& pairing) const;
};

std::string NameOf(const testing::TestParamInfo<Parameters>& info) {
  const auto& [version, form, role, first] = info.param;
  return std::string(version == TlsVersion::kTls12 ? "Tls12" : "Tls13") +
         (form == Form::kSocketPair ? "SocketPair" : "Loopback") +
         (role == Role::kServer ? "StackAsServer" : "StackAsClient") +
         (first == First::kPeer ? "PeerFirst" : "StackFirst");
}

INSTANTIATE_TEST_SUITE_P(All, LoopbackPairTest,
                         testing::Combine(testing::Values(TlsVersion::kTls12, TlsVersion::kTls13),
                                          testing::Values(Form::kSocketPair, Form::kLoopback),
                                          testing::Values(Role::kServer, Role::kClient),
                                          testing::Values(First::kPeer, First::kStack)),
                         NameOf);

// Leaves TLS with kRaw right behind the close_notify: in TLS 1.3 in the same segment.
void LoopbackPairTest::PeerDetaches(DetachableSocket& peer) const {
  EXPECT_EQ(ReadText(peer, Origin::kTls, kGo.size()), kGo);
  if (!peer_first()) {
    EXPECT_EQ(ReadOnce(peer), ReadEvent::kPeerDetached);
  }
  if (version() == TlsVersion::kTls13) {
    EXPECT_OK(peer.DetachSending(AsBytes(kRaw)));
    if (peer_first()) {
      EXPECT_OK(peer.Detach());
    }
    return;
  }
  EXPECT_OK(peer.Detach());
  EXPECT_OK(peer.Write(AsBytes(kRaw)));
}

void LoopbackPairTest::StackDetaches(Pairing& pairing) const {
  EXPECT_OK(pairing.pair.ExpectDetach());
  pairing.stack.Write(kGo);
  if (!peer_first()) pairing.stack.SendCloseNotify();
  const Verdict verdict = pairing.stack.ReadOn();
  EXPECT_EQ(verdict, Verdict::kEnd);
  EXPECT_OK(pairing.pair.Decide(verdict));
  if (peer_first()) pairing.stack.SendCloseNotify();
  pairing.stack.Close();
}

// Reads `size` raw bytes, the leftover first, and whatever else is there with them.
std::string ReadRaw(Pairing::Detached& detached, std::size_t size) {
  std::string text(detached.leftover.begin(), detached.leftover.end());
  char space[1000];
  while (text.size() < size) {
    const ssize_t got = recv(detached.peer.get(), space, sizeof space, 0);
    if (got <= 0) break;
    text.append(space, static_cast<std::size_t>(got));
  }
  detached.leftover.assign(text.begin() + static_cast<std::ptrdiff_t>(size), text.end());
  return text.substr(0, size);
}

// The application may read more than the raw bytes: what follows them is the next stack's.
TEST_P(LoopbackPairTest, DetachesAndUpgradesAgainExactly) {
  PlainPair ends;
  const auto peer = [&] {
    for (int round = 0; round < kRounds; ++round) {
      EXPECT_OK(ends.peer.Upgrade(peer_context()));
      EXPECT_OK(ends.peer.Write(AsBytes(kHello)));
      PeerDetaches(ends.peer);
      if (Answered(round)) {
        EXPECT_EQ(ReadText(ends.peer, Origin::kRaw, kRaw.size()), kRaw);
      }
    }
  };
  const auto application = [&] {
    const SslContext context = StackContext();
    Pairing::Detached detached{std::move(ends.plain), {}};
    for (int round = 0; round < kRounds; ++round) {
      Pairing pairing(std::move(detached.peer), form(), context, detached.leftover);
      pairing.stack.Handshake();
      if (version() == TlsVersion::kTls13) pairing.stack.UpdateKeys();
      EXPECT_EQ(pairing.stack.Read(kHello.size()), kHello);
      StackDetaches(pairing);
      detached = pairing.RanToDetach();
      EXPECT_EQ(ReadRaw(detached, kRaw.size()), kRaw);
      if (!Answered(round)) continue;
      EXPECT_EQ(send(detached.peer.get(), kRaw.data(), kRaw.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(kRaw.size()));
    }
  };
  Together(peer, application);
}

// More than the sockets hold, in both directions, and the switch behind them.
TEST_P(LoopbackPairTest, LosesNoByteOfMany) {
  PlainPair ends;
  std::string bulk(400'000, '\0');
  for (std::size_t i = 0; i < bulk.size(); ++i) bulk[i] = static_cast<char>(i * i / 251);
  const auto peer = [&] {
    EXPECT_OK(ends.peer.Upgrade(peer_context()));
    EXPECT_OK(ends.peer.Write(AsBytes(bulk)));
    EXPECT_TRUE(ReadText(ends.peer, Origin::kTls, bulk.size()) == bulk);
    PeerDetaches(ends.peer);
    EXPECT_OK(ends.peer.Write(AsBytes(bulk)));
    EXPECT_TRUE(ReadText(ends.peer, Origin::kRaw, bulk.size()) == bulk);
  };
  const auto application = [&] {
    const SslContext context = StackContext();
    Pairing pairing(std::move(ends.plain), form(), context);
    pairing.stack.Handshake();
    EXPECT_TRUE(pairing.stack.Read(bulk.size()) == bulk);
    pairing.stack.Write(bulk);
    StackDetaches(pairing);
    Pairing::Detached detached = pairing.RanToDetach();
    EXPECT_EQ(ReadRaw(detached, kRaw.size()), kRaw);
    EXPECT_TRUE(ReadRaw(detached, bulk.size()) == bulk);
    EXPECT_EQ(send(detached.peer.get(), bulk.data(), bulk.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bulk.size()));
  };
  Together(peer, application);
}

}  // namespace
}  // namespace detach
