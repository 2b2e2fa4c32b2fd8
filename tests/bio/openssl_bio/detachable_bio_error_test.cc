// What BIO_f_detachable refuses, and what it never takes for a detach.
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <string>
#include <string_view>

#include "bio/openssl_bio/detach_error.h"
#include "bio/openssl_bio/detachable_bio.h"
#include "tests/bio/openssl_bio/tls_peer.h"

namespace detach {
namespace {

// TakeError empties the queue and returns the data of its last error, if that is of `reason`.
std::string TakeError(int reason) {
  const char* text = "";
  int flags = 0;
  const unsigned long error = ERR_peek_last_error_all(nullptr, nullptr, nullptr, &text, &flags);
  std::string message = (flags & ERR_TXT_STRING) != 0 ? text : "";
  if (ERR_GET_LIB(error) != ERR_lib_detach() || ERR_GET_REASON(error) != reason) {
    message = "another error: " + std::to_string(error);
  }
  ERR_clear_error();
  return message;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class DetachableBioErrorTest : public testing::TestWithParam<int> {
 protected:
  DetachableBioErrorTest()
      : server_(ServerContext(GetParam())),
        client_(ClientContext(GetParam())),
        wire_(SocketWire()),
        peer_(server_.get(), /*client=*/false, wire_.far.get()),
        bio_(BIO_push(BIO_new_detachable(client_.get(), 1), wire_.near.release())) {}

  BIO* bio() const { return bio_.get(); }
  bool half_detach() const { return GetParam() == TLS1_3_VERSION; }

  void Handshake() {
    while (BIO_do_handshake(bio()) != 1) {
      ASSERT_TRUE(BIO_should_retry(bio()));
      peer_.Step();
    }
    peer_.Step();
  }
  int Read() {
    char byte = 0;
    return BIO_read(bio(), &byte, 1);
  }
  int Write(std::string_view bytes) {
    return BIO_write(bio(), bytes.data(), static_cast<int>(bytes.size()));
  }
  void PeerWritesRaw(std::string_view bytes) {
    ASSERT_EQ(BIO_write(peer_.far(), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
  }

  Owned<SSL_CTX> server_;
  Owned<SSL_CTX> client_;
  Wire wire_;
  TlsPeer peer_;
  Owned<BIO> bio_;
};

TEST_P(DetachableBioErrorTest, RefusesOptionsThatWouldMakeTheEndInexact) {
  struct Option {
    std::string_view name;
    std::function<void(SSL_CTX*)> set;
  };
  const Option options[] = {
    {"IGNORE_UNEXPECTED_EOF",
     [](SSL_CTX* context) { SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF); }},
    {"KTLS", [](SSL_CTX* context) { SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS); }},
    {"read_ahead", [](SSL_CTX* context) { SSL_CTX_set_read_ahead(context, 1); }},
#if OPENSSL_VERSION_NUMBER < 0x30200000L  // from 3.2 on nothing tells of it
    {"pipelining", [](SSL_CTX* context) { SSL_CTX_set_max_pipelines(context, 2); }},
#endif
  };
  for (const Option& option : options) {
    const Owned<SSL_CTX> context = ClientContext(GetParam());
    option.set(context.get());
    EXPECT_EQ(BIO_new_detachable(context.get(), 1), nullptr);
    const std::string error = TakeError(DETACH_R_MISUSE);
    EXPECT_TRUE(Contains(error, option.name)) << error;
  }
}

TEST_P(DetachableBioErrorTest, RefusesAnOptionThatIsSetLater) {
  SSL* ssl = nullptr;
  ASSERT_EQ(BIO_get_ssl(bio(), &ssl), 1);
  SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  EXPECT_EQ(BIO_do_handshake(bio()), -1);
  EXPECT_FALSE(BIO_should_retry(bio()));
  EXPECT_TRUE(Contains(TakeError(DETACH_R_MISUSE), "IGNORE_UNEXPECTED_EOF"));
}

TEST_P(DetachableBioErrorTest, RefusesToDetachBeforeTheHandshake) {
  EXPECT_EQ(BIO_detach(bio()), -1);
  EXPECT_FALSE(BIO_should_retry(bio()));
  EXPECT_TRUE(Contains(TakeError(DETACH_R_MISUSE), "handshake"));
  Handshake();
  EXPECT_EQ(BIO_detach(bio()), 1);
}

TEST_P(DetachableBioErrorTest, RefusesToUpgradeUnderTls) {
  Handshake();
  const Owned<SSL> ssl(SSL_new(client_.get()));
  EXPECT_EQ(BIO_upgrade(bio(), ssl.get()), 0);
  TakeError(DETACH_R_MISUSE);
  ASSERT_EQ(BIO_detach(bio()), 1);
  EXPECT_EQ(BIO_upgrade(bio(), ssl.get()), 0);  // the peer has not left it
  EXPECT_TRUE(Contains(TakeError(DETACH_R_MISUSE), "both directions"));
}

TEST_P(DetachableBioErrorTest, RefusesToDetachInMidWrite) {
  Handshake();
  const std::string large(4'000'000, 'x');
  ASSERT_EQ(Write(large), -1);
  ASSERT_TRUE(BIO_should_write(bio()));
  EXPECT_EQ(BIO_detach(bio()), -1);
  EXPECT_TRUE(Contains(TakeError(DETACH_R_MISUSE), "BIO_write"));
  int result = -1;
  while ((result = Write(large)) == -1) peer_.Step();
  EXPECT_EQ(result, 4'000'000);
  peer_.Step();
  EXPECT_EQ(peer_.received(), large);  // no byte twice
}

TEST_P(DetachableBioErrorTest, SaysSoWhereThereIsNoDetachableBio) {
  const Owned<BIO> other(BIO_new(BIO_s_mem()));
  EXPECT_EQ(BIO_detach(other.get()), -1);
  TakeError(DETACH_R_MISUSE);
  EXPECT_EQ(BIO_sending(other.get()), -1);
  EXPECT_EQ(BIO_receiving(nullptr), -1);
  EXPECT_EQ(BIO_upgrade(other.get(), nullptr), 0);
  EXPECT_TRUE(Contains(TakeError(DETACH_R_MISUSE), "no detachable BIO"));
}

TEST_P(DetachableBioErrorTest, WithoutATransportThereIsAnErrorAndNoCrash) {
  const Owned<BIO> below(BIO_pop(bio()));
  EXPECT_EQ(BIO_do_handshake(bio()), -1);
  EXPECT_EQ(Read(), -1);
  EXPECT_EQ(Write("x"), -1);
  EXPECT_EQ(BIO_flush(bio()), -1);
  EXPECT_EQ(BIO_detach(bio()), -1);
  ERR_clear_error();
}

TEST_P(DetachableBioErrorTest, AnEndIsNoDetach) {
  Handshake();
  EndWire(peer_.far());
  EXPECT_EQ(Read(), -1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_UNEXPECTED_EOF_WHILE_READING);
  EXPECT_EQ(BIO_receiving(bio()), BIO_DETACHABLE_TLS);
  EXPECT_EQ(Read(), -1);
  EXPECT_EQ(BIO_detach(bio()), -1);
  ERR_clear_error();
}

TEST_P(DetachableBioErrorTest, AnEndBehindOurCloseNotifyIsNoDetach) {
  Handshake();
  ASSERT_EQ(BIO_detach(bio()), 1);
  EndWire(peer_.far());
  EXPECT_EQ(Read(), -1);
  EXPECT_EQ(Read(), -1);
  ERR_clear_error();
}

TEST_P(DetachableBioErrorTest, AFatalAlertIsNoDetachHoweverOftenOneAsks) {
  Handshake();
  PeerWritesRaw(std::string("\x17\x03\x03\x00\x05garbage", 12));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Read(), -1);
  peer_.Step();
  EXPECT_EQ(peer_.ended(), "error");  // it was told by a fatal alert
  ERR_clear_error();
}

TEST_P(DetachableBioErrorTest, APeersFatalAlertIsLatched) {
  Handshake();
  ASSERT_EQ(BIO_write(BIO_next(bio()), "\x17\x03\x03\x00\x05xxxxx", 10), 10);
  peer_.Step();
  ASSERT_EQ(peer_.ended(), "error");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Read(), -1);
  EXPECT_NE(ERR_peek_error(), 0u);
  ERR_clear_error();
}

TEST_P(DetachableBioErrorTest, APlaintextCloseNotifyInMidHandshakeIsNoDetach) {
  EXPECT_EQ(BIO_do_handshake(bio()), -1);
  ASSERT_TRUE(BIO_should_read(bio()));
  PeerWritesRaw(std::string_view("\x15\x03\x03\x00\x02\x01\x00", 7));
  EXPECT_EQ(BIO_do_handshake(bio()), -1);
  EXPECT_FALSE(BIO_should_retry(bio()));
  EXPECT_NE(ERR_peek_error(), 0u);
  ERR_clear_error();
  EXPECT_EQ(BIO_detach(bio()), -1);
  EXPECT_EQ(Read(), -1);
  ERR_clear_error();
}

TEST_P(DetachableBioErrorTest, NothingOfTlsFollowsOurCloseNotify) {
  if (!half_detach()) GTEST_SKIP() << "TLS 1.2 has no KeyUpdate";
  Handshake();
  ASSERT_EQ(BIO_detach(bio()), 1);
  SSL_key_update(peer_.ssl(), SSL_KEY_UPDATE_REQUESTED);
  peer_.Send("after the KeyUpdate");
  peer_.Step();
  char bytes[100];
  ASSERT_EQ(BIO_read(bio(), bytes, sizeof(bytes)), 19);
  ASSERT_EQ(Write("raw"), 3);
  peer_.Step();
  ASSERT_EQ(peer_.ended(), "close_notify");
  ASSERT_EQ(BIO_read(peer_.far(), bytes, sizeof(bytes)), 3);
  EXPECT_EQ(std::string_view(bytes, 3), "raw");
}

TEST_P(DetachableBioErrorTest, InTls12TheProgramIsSilentAfterThePeersCloseNotify) {
  Handshake();
  SSL_shutdown(peer_.ssl());
  EXPECT_EQ(Read(), 0);
  if (half_detach()) {
    EXPECT_EQ(Write("on"), 2);
  } else {
    EXPECT_EQ(Write("on"), -1);
    TakeError(DETACH_R_MISUSE);
    EXPECT_EQ(BIO_detach(bio()), 1);
    EXPECT_EQ(Write("on"), 2);
  }
}

TEST_P(DetachableBioErrorTest, InTls12ThePeersCloseNotifyCutsAWriteOff) {
  if (half_detach()) GTEST_SKIP() << "in TLS 1.3 it concerns the peer's direction only";
  Handshake();
  const std::string large(4'000'000, 'x');
  ASSERT_EQ(Write(large), -1);
  SSL_shutdown(peer_.ssl());
  EXPECT_EQ(Read(), 0);
  while (BIO_detach(bio()) != 1) {
    ASSERT_TRUE(BIO_should_retry(bio()));
    char bytes[16384];
    BIO_read(peer_.far(), bytes, sizeof(bytes));
  }
}

TEST_P(DetachableBioErrorTest, FreeingInMidWriteDoesNotPassForTheEndOfTheMessage) {
  Handshake();
  const std::string large(4'000'000, 'x');
  ASSERT_EQ(Write(large), -1);
  BIO_up_ref(BIO_next(bio()));
  const Owned<BIO> transport(BIO_next(bio()));
  peer_.Step();  // there is room again
  bio_.reset();
  EndWire(transport.get());
  peer_.Step();
  EXPECT_EQ(peer_.ended(), "error");
}

TEST_P(DetachableBioErrorTest, ResetMakesReadyForTheNextConnection) {
  Handshake();
  BIO_reset(bio());
  peer_.Step();
  EXPECT_EQ(peer_.ended(), "close_notify");
  const Owned<BIO> old(BIO_pop(bio()));
  Wire next = SocketWire();
  BIO_push(bio(), next.near.release());
  peer_ = TlsPeer(server_.get(), /*client=*/false, next.far.get());
  Handshake();
  ASSERT_EQ(Write("again"), 5);
  peer_.Step();
  EXPECT_EQ(peer_.received(), "again");
}

TEST_P(DetachableBioErrorTest, TakesOverTheBioThatAnSslHas) {
  Wire wire = SocketWire();
  peer_ = TlsPeer(server_.get(), /*client=*/false, wire.far.get());
  SSL* ssl = SSL_new(client_.get());
  SSL_set_connect_state(ssl);
  BIO* const transport = wire.near.release();
  SSL_set_bio(ssl, transport, transport);
  bio_.reset(BIO_new(BIO_f_detachable()));
  ASSERT_EQ(BIO_set_ssl(bio(), ssl, BIO_CLOSE), 1);
  EXPECT_EQ(BIO_next(bio()), transport);
  Handshake();
}

TEST_P(DetachableBioErrorTest, ADuplicatedChainMakesItsOwnHandshake) {
  const Owned<BIO> copy(BIO_dup_chain(bio()));
  ASSERT_NE(copy, nullptr);
  SSL* ssl = nullptr;
  SSL* copied = nullptr;
  ASSERT_EQ(BIO_get_ssl(bio(), &ssl), 1);
  ASSERT_EQ(BIO_get_ssl(copy.get(), &copied), 1);
  EXPECT_NE(ssl, copied);
  BIO_set_close(BIO_next(copy.get()), BIO_NOCLOSE);  // the same descriptor
  Handshake();
}

INSTANTIATE_TEST_SUITE_P(Bio, DetachableBioErrorTest,
                         testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& tested) {
                           return tested.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
                         });

}  // namespace
}  // namespace detach
