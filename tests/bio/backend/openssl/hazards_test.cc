// Ways in which a detach over libssl goes wrong where its caller is naive, each seen in running
// code with OpenSSL 3.0 or 3.5 and none of them possible here. docs/ARCHITECTURE.md has the list.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/bio/backend/openssl/openssl_fixture.h"

namespace detach {
namespace {

const std::string kPlaintextCloseNotify = {0x15, 0x03, 0x03, 0x00, 0x02, 0x01, 0x00};
const std::string kPlaintextFatalAlert = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28};

// Every hazard is tried in both versions.
#define HAZARD(suite)                      \
  INSTANTIATE_TEST_SUITE_P(OpenSsl, suite, \
                           testing::Values(TlsVersion::kTls12, TlsVersion::kTls13), VersionName)

// Hazard 1: read_ahead, pipelining and kTLS take bytes that libssl does not give back.
class OptionsThatBuryTheLeftover : public OpenSslTest {};
HAZARD(OptionsThatBuryTheLeftover);

struct SslContext {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  ~SslContext() { SSL_CTX_free(context); }

  // The backend, or the message of its refusal.
  std::string Try() const {
    SSL* const ssl = SSL_new(context);
    SSL_set_connect_state(ssl);
    const auto backend = NewOpenSslBackend(ssl);
    if (backend.ok()) return "accepted";
    EXPECT_EQ(backend.status().fault(), Fault::kMisuse);
    return backend.status().message();
  }
};

void ExpectNames(const std::string& message, const char* name) {
  EXPECT_NE(message.find(name), std::string::npos) << message;
}

TEST(OptionsOfAProgramsOwnSsl, AreAcceptedWhereTheyHarmNothing) {
  EXPECT_EQ(SslContext().Try(), "accepted");
}

TEST(OptionsOfAProgramsOwnSsl, ReadAheadIsRefused) {
  const SslContext own;
  SSL_CTX_set_read_ahead(own.context, 1);
  ExpectNames(own.Try(), "read_ahead");
}

#if OPENSSL_VERSION_NUMBER < 0x30200000L
TEST(OptionsOfAProgramsOwnSsl, PipeliningIsRefused) {
  const SslContext own;
  SSL_CTX_set_max_pipelines(own.context, 2);
  ExpectNames(own.Try(), "pipelining");
}
#endif  // from 3.2 on nothing tells of it: BuryNothingWhenSwitchedOnLater shows that it does no
        // harm

TEST(OptionsOfAProgramsOwnSsl, KernelTlsIsRefused) {
  const SslContext own;
  SSL_CTX_set_options(own.context, SSL_OP_ENABLE_KTLS);
  ExpectNames(own.Try(), "KTLS");
}

// Hazard 5: with it a FIN is a forged close_notify.
TEST(OptionsOfAProgramsOwnSsl, IgnoringAnUnexpectedEofIsRefused) {
  const SslContext own;
  SSL_CTX_set_options(own.context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  ExpectNames(own.Try(), "IGNORE_UNEXPECTED_EOF");
}

TEST(OptionsOfAProgramsOwnSsl, AQuietShutdownIsRefused) {
  const SslContext own;
  SSL_CTX_set_quiet_shutdown(own.context, 1);
  ExpectNames(own.Try(), "quiet_shutdown");
}

// The check is made once; whoever switches one on behind our back must not be able to do harm.
TEST_P(OptionsThatBuryTheLeftover, BuryNothingWhenSwitchedOnLater) {
  EnterTls();
  SSL_set_read_ahead(server_ssl_, 1);
  SSL_set_max_pipelines(server_ssl_, 4);
  SSL_set_options(server_ssl_, SSL_OP_ENABLE_KTLS | SSL_OP_IGNORE_UNEXPECTED_EOF);
  ASSERT_TRUE(WriteText(client(), "last").ok());
  ASSERT_TRUE(client().Detach().ok());
  ASSERT_TRUE(Feed(server(), TakeOutput(client()) + "raw").ok());
  EXPECT_EQ(ReadAll(server()), "tls:last detached raw:raw");
}

TEST_P(OptionsThatBuryTheLeftover, AnEndIsTruncationWhateverIsSwitchedOnLater) {
  EnterTls();
  SSL_set_options(server_ssl_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  EXPECT_EQ(server().ReceivedEnd().fault(), Fault::kTruncated);
  EXPECT_EQ(server().state().receiving, Receiving::kTls);
}

// Hazard 2: a second SSL_shutdown reads the peer's data and destroys it.
class ClosingOnce : public OpenSslTest {};
HAZARD(ClosingOnce);

TEST_P(ClosingOnce, LosesNothingThatThePeerStillSends) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  EXPECT_EQ(client().Detach().fault(), Fault::kMisuse);
  const std::string large(40'000, 'x');
  ASSERT_TRUE(WriteText(server(), large).ok());
  EXPECT_EQ(client().Detach().fault(), Fault::kMisuse);
  ASSERT_TRUE(Carry(pair_->server, pair_->client));
  EXPECT_EQ(pair_->client.read.text(), "tls:" + large);
  EXPECT_TRUE(client().status().ok()) << client().status().message();
}

TEST_P(ClosingOnce, SendsOneRecordHoweverOftenItIsAskedFor) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  const std::string close = TakeOutput(client());
  EXPECT_EQ(client().Detach().fault(), Fault::kMisuse);
  EXPECT_EQ(TakeOutput(client()), "");
  EXPECT_LT(close.size(), 64u);
}

// Hazard 3: a fatal alert sets SSL_RECEIVED_SHUTDOWN too.
class ShutdownFlags : public OpenSslTest {};
HAZARD(ShutdownFlags);

TEST_P(ShutdownFlags, ProveNoDetach) {
  EnterTls();
  // The client takes this for a forgery and says so.
  const Status forged = Feed(client(), std::string({23, 3, 3, 0, 30}) + std::string(30, 'x'));
  EXPECT_EQ(forged.fault(), Fault::kViolation) << forged.message();
  const std::string alert = TakeOutput(client());
  ASSERT_FALSE(alert.empty());
  EXPECT_FALSE(Feed(server(), alert + "raw").ok());
  EXPECT_NE(SSL_get_shutdown(server_ssl_) & SSL_RECEIVED_SHUTDOWN, 0) << "the flag lies";
  EXPECT_EQ(server().state().receiving, Receiving::kTls);
  EXPECT_EQ(ReadAll(server()), "error:violation");
  EXPECT_EQ(server().peer_alert(), SSL_AD_BAD_RECORD_MAC);
}

// Hazard 4: SSL_read behind a fatal alert says SSL_ERROR_ZERO_RETURN the second time.
class ReadingBehindAnError : public OpenSslTest {};
HAZARD(ReadingBehindAnError);

TEST_P(ReadingBehindAnError, FindsTheFirstErrorForEver) {
  Upgrade(client(), *client_context_, client_ssl_);
  EXPECT_EQ(Feed(client(), kPlaintextFatalAlert).fault(), Fault::kIncompatible);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ReadAll(client()), "error:incompatible");
    EXPECT_EQ(Feed(client(), kPlaintextCloseNotify + "raw").fault(), Fault::kIncompatible);
  }
  EXPECT_EQ(client().state().receiving, Receiving::kHandshake);
}

// Hazard 6: a close_notify is not authentic before the handshake is finished.
class InjectedCloseNotify : public OpenSslTest {
 protected:
  // Runs a handshake record by record; before record number `gap` of either direction the receiver
  // gets a close_notify in plaintext.
  void HandshakeWithInjection(int gap) {
    Upgrade(server(), *server_context_, server_ssl_);
    Upgrade(client(), *client_context_, client_ssl_);
    int number = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (auto [from, to] : {std::pair(&client(), &server()), std::pair(&server(), &client())}) {
        if (from->Output().empty() || !to->status().ok()) continue;
        moved = true;
        const std::size_t header = static_cast<std::size_t>(from->Output()[3]) << 8;
        const std::size_t size = 5 + (header | from->Output()[4]);
        const std::string record = TakeOutput(*from, size);
        if (number++ == gap) {
          ExpectNoDetach(*to, Feed(*to, kPlaintextCloseNotify + "raw"));
          injected_ = true;
        }
        static_cast<void>(Feed(*to, record));
      }
    }
  }

  static void ExpectNoDetach(const TlsSession& session, const Status& status) {
    EXPECT_EQ(status.fault(), Fault::kViolation) << status.message();
    EXPECT_NE(session.state().receiving, Receiving::kRaw);
    EXPECT_NE(session.state().sending, Sending::kRaw);
  }

  bool injected_ = false;
};
HAZARD(InjectedCloseNotify);

TEST_P(InjectedCloseNotify, InMidHandshakeIsAViolationInEveryGap) {
  int gaps = 0;
  for (; gaps < 100; ++gaps) {
    pair_ = std::make_unique<SessionPair>();
    injected_ = false;
    HandshakeWithInjection(gaps);
    if (!injected_) break;
  }
  EXPECT_GE(gaps, 7) << "records of a handshake";
}

TEST_P(InjectedCloseNotify, AfterTheHandshakeIsAViolation) {
  EnterTls();
  ExpectNoDetach(server(), Feed(server(), kPlaintextCloseNotify + "raw"));
  ExpectNoDetach(client(), Feed(client(), kPlaintextCloseNotify + "raw"));
}

// A close_notify that somebody has changed is none.
class ModifiedCloseNotify : public OpenSslTest {};
HAZARD(ModifiedCloseNotify);

TEST_P(ModifiedCloseNotify, IsNoDetachWhicheverBitWasFlipped) {
  for (std::size_t bit = 0;; ++bit) {
    pair_ = std::make_unique<SessionPair>();
    EnterTls();
    ASSERT_TRUE(client().Detach().ok());
    std::string close = TakeOutput(client());
    if (bit / 8 == close.size()) break;
    close[bit / 8] = static_cast<char>(close[bit / 8] ^ 1 << bit % 8);
    static_cast<void>(Feed(server(), close + std::string(70'000 - close.size(), 'r')));
    EXPECT_EQ(server().state().receiving, Receiving::kTls) << "bit " << bit;
    EXPECT_EQ(ReadAll(server()).find("raw:"), std::string::npos);
  }
}

TEST_P(ModifiedCloseNotify, IsNoDetachWhereverItWasCutOff) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  const std::string close = TakeOutput(client());
  ASSERT_TRUE(Feed(server(), close.substr(0, close.size() - 1)).ok());
  EXPECT_EQ(server().ReceivedEnd().fault(), Fault::kTruncated);
  EXPECT_EQ(server().state().receiving, Receiving::kTls);
}

TEST_P(ModifiedCloseNotify, IsNoDetachWhenReplayed) {
  if (!IsTls13()) GTEST_SKIP() << "a TLS 1.2 close_notify cannot be read twice: it ends both ways";
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  const std::string close = TakeOutput(client());
  EXPECT_EQ(Feed(client(), close + "raw").fault(), Fault::kViolation) << "reflected";
}

// Hazard 12: plaintext and protected bytes never share a buffer.
class SmuggledPlaintext : public OpenSslTest {};
HAZARD(SmuggledPlaintext);

TEST_P(SmuggledPlaintext, BeforeAnUpgradeFailsTheHandshake) {
  Upgrade(client(), *client_context_, client_ssl_);
  ASSERT_TRUE(Feed(server(), "EVIL COMMAND\r\n" + TakeOutput(client())).ok());
  std::unique_ptr<TlsBackend> backend = *server_context_->NewBackend();
  EXPECT_EQ(server().Upgrade(std::move(backend)).fault(), Fault::kViolation);
  EXPECT_EQ(ReadAll(server()), "error:violation");
}

TEST_P(SmuggledPlaintext, AClientHelloSentAheadIsTaken) {
  Upgrade(client(), *client_context_, client_ssl_);
  ASSERT_TRUE(Feed(server(), TakeOutput(client())).ok());
  Upgrade(server(), *server_context_, server_ssl_);
  pair_->Settle();
  EXPECT_TRUE(client().handshake_done() && server().handshake_done());
}

// Hazard 13: close_notify may not overtake what SSL_write has left in a queue.
class FlushOrder : public OpenSslTest {};
HAZARD(FlushOrder);

TEST_P(FlushOrder, IsRecordsThenCloseNotifyThenRawOverATransportThatTakesOneByteAtATime) {
  EnterTls();
  const std::string much(30'000, 'x');
  ASSERT_TRUE(WriteText(client(), much).ok());
  ASSERT_TRUE(client().Detach().ok());
  const std::string raw = IsTls13() ? "raw" : "";
  ASSERT_TRUE(raw.empty() || WriteText(client(), raw).ok());
  while (!client().Output().empty()) {
    ASSERT_TRUE(Feed(server(), TakeOutput(client(), 1)).ok());
    ReadAll(server(), pair_->server.read);
  }
  EXPECT_EQ(pair_->server.read.text(),
            "tls:" + much + " detached" + (raw.empty() ? "" : " raw:raw"));
}

// Hazard 15: nothing can be sent behind our close_notify; nothing is.
class BehindOwnCloseNotify : public OpenSslTest {};
HAZARD(BehindOwnCloseNotify);

TEST_P(BehindOwnCloseNotify, NoAlertLeaves) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  TakeOutput(client());
  const Status forged = Feed(client(), std::string({23, 3, 3, 0, 30}) + std::string(30, 'x'));
  EXPECT_EQ(forged.fault(), Fault::kViolation) << forged.message();
  EXPECT_EQ(TakeOutput(client()), "");
}

TEST_P(BehindOwnCloseNotify, NoAnswerToAKeyUpdateLeaves) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  TakeOutput(client());
  EXPECT_EQ(server().UpdateKeys().fault(), IsTls13() ? Fault::kNone : Fault::kMisuse);
  ASSERT_TRUE(WriteText(server(), "under the new keys").ok());
  ASSERT_TRUE(Carry(pair_->server, pair_->client));
  EXPECT_EQ(pair_->client.read.text(), "tls:under the new keys");
  EXPECT_EQ(TakeOutput(client()), "");
}

TEST_P(BehindOwnCloseNotify, NothingLeavesWhenTheSslIsFreed) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  ASSERT_TRUE(server().Detach().ok());
  const std::string from_client = TakeOutput(client());
  const std::string from_server = TakeOutput(server());
  ASSERT_TRUE(Feed(client(), from_server).ok());
  ASSERT_TRUE(Feed(server(), from_client).ok());
  EXPECT_FALSE(client().has_tls() || server().has_tls());
  EXPECT_EQ(TakeOutput(client()) + TakeOutput(server()), "");
}

// A second handshake inside the first would begin in mid-stream, and end who knows where.
class Renegotiation : public OpenSslTest {};
HAZARD(Renegotiation);

TEST_P(Renegotiation, IsNotBegunByTheServerThatIsAskedForIt) {
  if (IsTls13()) GTEST_SKIP() << "TLS 1.3 has none";
  EnterTls();
  SSL_clear_options(client_ssl_, SSL_OP_NO_RENEGOTIATION);
  SSL_set_options(server_ssl_, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);  // the weaker of the two
  ASSERT_EQ(SSL_renegotiate(client_ssl_), 1);
  // A libssl client asks with its next write, and that does not succeed.
  EXPECT_FALSE(WriteText(client(), "x").ok());
  ASSERT_TRUE(Carry(pair_->client, pair_->server));
  EXPECT_FALSE(SSL_in_init(server_ssl_));
  EXPECT_TRUE(server().status().ok()) << server().status().message();
}

// Hazard 16: over TLS 1.2 there is no half detach.
class Quiesced : public OpenSslTest {};
HAZARD(Quiesced);

TEST_P(Quiesced, TheCloserMayNotWriteUntilThePeerHasClosedOverTls12) {
  EnterTls();
  ASSERT_TRUE(client().Detach().ok());
  EXPECT_EQ(WriteText(client(), "raw").fault(), IsTls13() ? Fault::kNone : Fault::kMisuse);
}

// Whoever changes a byte of a handshake is found out, and it is never called our own failure.
class ModifiedHandshake : public OpenSslTest {
 protected:
  // Runs a handshake with bit 0 of byte number `at` of the client's or the server's stream flipped;
  // returns whether there was such a byte.
  bool Run(bool from_client, std::size_t at) {
    pair_ = std::make_unique<SessionPair>();
    Upgrade(server(), *server_context_, server_ssl_);
    Upgrade(client(), *client_context_, client_ssl_);
    bool flipped = false;
    for (bool moved = true; moved;) {
      moved = false;
      for (const bool client_sends : {true, false}) {
        TlsSession& to = client_sends ? server() : client();
        std::string wire = TakeOutput(client_sends ? client() : server());
        if (wire.empty() || !to.status().ok()) continue;
        moved = true;
        if (client_sends == from_client && !flipped) {
          flipped = at < wire.size();
          if (flipped) wire[at] = static_cast<char>(wire[at] ^ 1);
          at -= flipped ? 0 : wire.size();
        }
        static_cast<void>(Feed(to, wire));
        ReadAll(to);
      }
    }
    return flipped;
  }
};
HAZARD(ModifiedHandshake);

TEST_P(ModifiedHandshake, IsFoundOut) {
  for (const bool from_client : {true, false}) {
    // A sample of the bytes: each costs a handshake.
    for (std::size_t at = 0; Run(from_client, at); at += 5) {
      EXPECT_FALSE(client().handshake_done() && server().handshake_done() &&
                   client().status().ok() && server().status().ok())
          << "byte " << at;
      EXPECT_NE(client().status().fault(), Fault::kInternal) << client().status().message();
      EXPECT_NE(server().status().fault(), Fault::kInternal) << server().status().message();
    }
  }
}

// Threat P13.
class Floods : public OpenSslTest {};
HAZARD(Floods);

TEST_P(Floods, OfKeyUpdatesWhoseAnswersNobodyReadsEndTheSession) {
  if (!IsTls13()) GTEST_SKIP() << "TLS 1.2 has no key update";
  EnterTls();
  for (int i = 0; i < 20'000 && server().status().ok(); ++i) {
    static_cast<void>(client().UpdateKeys());
    static_cast<void>(Feed(server(), TakeOutput(client())));
  }
  EXPECT_EQ(server().status().fault(), Fault::kViolation);
  EXPECT_LE(server().Output().size(), 3 * TlsSession::kMaxOutput);
}

}  // namespace
}  // namespace detach
