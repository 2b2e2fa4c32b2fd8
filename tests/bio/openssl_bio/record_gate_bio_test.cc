#include "bio/openssl_bio/record_gate_bio.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <string>
#include <string_view>

#include "bio/openssl_bio/detach_error.h"
#include "tests/bio/openssl_bio/tls_peer.h"

namespace detach {
namespace {

// ReadCounter is a filter that counts the reads that go through it.
int reads = 0;

int CountedRead(BIO* bio, char* out, int size) {
  ++reads;
  const int result = BIO_read(BIO_next(bio), out, size);
  BIO_clear_retry_flags(bio);
  BIO_copy_next_retry(bio);
  return result;
}

int PlainWrite(BIO* bio, const char* bytes, int size) {
  const int result = BIO_write(BIO_next(bio), bytes, size);
  BIO_clear_retry_flags(bio);
  BIO_copy_next_retry(bio);
  return result;
}

long PlainCtrl(BIO* bio, int command, long number, void* pointer) {
  return BIO_ctrl(BIO_next(bio), command, number, pointer);
}

BIO* NewReadCounter() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "counter");
    BIO_meth_set_read(made, CountedRead);
    BIO_meth_set_write(made, PlainWrite);
    BIO_meth_set_ctrl(made, PlainCtrl);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_init(bio, 1);
  return bio;
}

std::string TakeError() {
  const char* text = "";
  int flags = 0;
  ERR_peek_last_error_all(nullptr, nullptr, nullptr, &text, &flags);
  std::string message = (flags & ERR_TXT_STRING) != 0 ? text : "";
  ERR_clear_error();
  return message;
}

// A program's own SSL as a client, with a gate; the peer is a stock server.
class RecordGateBioTest : public testing::TestWithParam<int> {
 protected:
  RecordGateBioTest()
      : server_(ServerContext(GetParam())),
        client_(ClientContext(GetParam())),
        wire_(SocketWire()),
        peer_(server_.get(), /*client=*/false, wire_.far.get()),
        ssl_(SSL_new(client_.get())) {
    reads = 0;
    BIO* transport = BIO_push(NewReadCounter(), wire_.near.release());
    SSL_set_bio(ssl_.get(), transport, transport);
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() const { return ssl_.get(); }

  void Handshake() {
    ASSERT_EQ(SSL_attach_record_gate(ssl()), 1);
    while (SSL_do_handshake(ssl()) != 1) {
      ASSERT_TRUE(SSL_want_read(ssl()));
      peer_.Step();
    }
    peer_.Step();
  }

  std::string Read() {
    std::string bytes(20'000, '\0');
    ERR_clear_error();
    const int size = SSL_read(ssl(), bytes.data(), static_cast<int>(bytes.size()));
    error_ = SSL_get_error(ssl(), size);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }

  void PeerWritesRaw(std::string_view bytes) {
    ASSERT_EQ(BIO_write(peer_.far(), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
  }

  // Proof returns the leftover, or why there is no proof.
  std::string Proof() {
    const unsigned char* leftover = nullptr;
    std::size_t size = 0;
    if (SSL_received_detach(ssl(), &leftover, &size) == 1) {
      return std::string(reinterpret_cast<const char*>(leftover), size);
    }
    EXPECT_EQ(leftover, nullptr);
    EXPECT_EQ(size, 0u);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), DETACH_R_MISUSE);
    return "no proof: " + TakeError();
  }
  bool NoProof() { return Proof().starts_with("no proof"); }

  Owned<SSL_CTX> server_;
  Owned<SSL_CTX> client_;
  Wire wire_;
  TlsPeer peer_;
  Owned<SSL> ssl_;
  int error_ = 0;
};

TEST_P(RecordGateBioTest, HandsOutTheLeftoverThatCameInTheSameFlight) {
  Handshake();
  peer_.Send("last words");
  peer_.Step();
  SSL_shutdown(peer_.ssl());
  PeerWritesRaw("\x17\x03\x03 looks like a record, and is raw");
  EXPECT_TRUE(NoProof());
  EXPECT_EQ(Read(), "last words");
  EXPECT_TRUE(NoProof());
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(error_, SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(Proof(), "\x17\x03\x03 looks like a record, and is raw");
  EXPECT_EQ(Proof(), "\x17\x03\x03 looks like a record, and is raw");
  EXPECT_EQ(Read(), "");
}

TEST_P(RecordGateBioTest, ProvesADetachWithoutLeftover) {
  Handshake();
  SSL_shutdown(peer_.ssl());
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Proof(), "");
}

TEST_P(RecordGateBioTest, OurOwnCloseNotifyMayGoFirst) {
  Handshake();
  EXPECT_EQ(SSL_shutdown(ssl()), 0);
  EXPECT_TRUE(NoProof());
  peer_.Step();
  EXPECT_EQ(peer_.ended(), "close_notify");
  SSL_shutdown(peer_.ssl());
  PeerWritesRaw("raw");
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Proof(), "raw");
}

TEST_P(RecordGateBioTest, ReadsInLargeChunks) {
  Handshake();
  peer_.Send(std::string(48'000, 'x'));
  peer_.Step();
  reads = 0;
  std::size_t size = 0;
  while (size < 48'000) {
    const std::string part = Read();
    ASSERT_FALSE(part.empty());
    size += part.size();
  }
  EXPECT_LE(reads, 2);
}

TEST_P(RecordGateBioTest, PendingCountsWhatTheGateHolds) {
  Handshake();
  peer_.Send(std::string(20'000, 'x'));
  peer_.Step();
  EXPECT_FALSE(Read().empty());
  EXPECT_GT(BIO_pending(SSL_get_rbio(ssl())), 0);
}

TEST_P(RecordGateBioTest, AnEndIsNoDetach) {
  Handshake();
  EndWire(peer_.far());
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(error_, SSL_ERROR_SSL);
  EXPECT_TRUE(NoProof());
  Read();
  EXPECT_TRUE(NoProof());
}

TEST_P(RecordGateBioTest, AFatalAlertIsNoDetachAlthoughLibsslSaysReceivedShutdown) {
  Handshake();
  BIO_write(SSL_get_wbio(ssl()), "\x17\x03\x03\x00\x05xxxxx", 10);
  peer_.Step();
  ASSERT_EQ(peer_.ended(), "error");
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(error_, SSL_ERROR_ZERO_RETURN);  // the trap
  EXPECT_NE(SSL_get_shutdown(ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
  EXPECT_TRUE(NoProof());
}

TEST_P(RecordGateBioTest, APlaintextCloseNotifyInMidHandshakeIsNoDetach) {
  ASSERT_EQ(SSL_attach_record_gate(ssl()), 1);
  SSL_do_handshake(ssl());
  PeerWritesRaw(std::string_view("\x15\x03\x03\x00\x02\x01\x00", 7));
  EXPECT_NE(SSL_do_handshake(ssl()), 1);
  EXPECT_NE(SSL_get_shutdown(ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
  EXPECT_TRUE(NoProof());
}

TEST_P(RecordGateBioTest, AShutdownThatTheProgramSetItselfIsNoDetach) {
  Handshake();
  SSL_set_shutdown(ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  EXPECT_TRUE(NoProof());
}

TEST_P(RecordGateBioTest, ABadRecordIsNoDetach) {
  Handshake();
  PeerWritesRaw(std::string_view("\x15\x03\x03\x00\x13garbagegarbagegarba", 24));
  EXPECT_EQ(Read(), "");
  EXPECT_TRUE(NoProof());
}

int program_alerts = 0;
void ProgramCallback(const SSL* /*ssl*/, int where, int /*value*/) {
  if ((where & SSL_CB_ALERT) != 0) ++program_alerts;
}

TEST_P(RecordGateBioTest, TheProgramsInfoCallbackGoesOn) {
  program_alerts = 0;
  SSL_set_info_callback(ssl(), ProgramCallback);
  Handshake();
  SSL_shutdown(peer_.ssl());
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Proof(), "");
  EXPECT_EQ(program_alerts, 1);
}

TEST_P(RecordGateBioTest, TheInfoCallbackOfTheContextGoesOn) {
  program_alerts = 0;
  SSL_CTX_set_info_callback(client_.get(), ProgramCallback);
  SSL_set_info_callback(ssl(), nullptr);  // SSL_new may have copied that of the context
  Handshake();
  SSL_shutdown(peer_.ssl());
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Proof(), "");
  EXPECT_EQ(program_alerts, 1);
}

TEST_P(RecordGateBioTest, AReplacedInfoCallbackMeansNoProof) {
  Handshake();
  SSL_set_info_callback(ssl(), ProgramCallback);
  SSL_shutdown(peer_.ssl());
  EXPECT_EQ(Read(), "");
  EXPECT_TRUE(NoProof());
}

TEST_P(RecordGateBioTest, RefusesWhatWouldMakeTheEndInexact) {
  struct Option {
    std::string_view name;
    std::function<void(SSL*)> set;
    std::function<void(SSL*)> clear;
  };
  const Option options[] = {
      {"IGNORE_UNEXPECTED_EOF",
       [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF); },
       [](SSL* ssl) { SSL_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF); }},
      {"KTLS", [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_ENABLE_KTLS); },
       [](SSL* ssl) { SSL_clear_options(ssl, SSL_OP_ENABLE_KTLS); }},
      {"read_ahead", [](SSL* ssl) { SSL_set_read_ahead(ssl, 1); },
       [](SSL* ssl) { SSL_set_read_ahead(ssl, 0); }},
  };
  for (const Option& option : options) {
    option.set(ssl());
    EXPECT_EQ(SSL_attach_record_gate(ssl()), 0);
    const std::string error = TakeError();
    EXPECT_NE(error.find(option.name), std::string::npos) << error;
    option.clear(ssl());
  }
  Handshake();
  EXPECT_EQ(SSL_attach_record_gate(ssl()), 0);
  TakeError();
  const Owned<SSL> bare(SSL_new(client_.get()));
  EXPECT_EQ(SSL_attach_record_gate(bare.get()), 0);
  EXPECT_NE(TakeError().find("BIO"), std::string::npos);
}

TEST_P(RecordGateBioTest, AnswersNoToTheKernelTlsQueries) {
  ASSERT_EQ(SSL_attach_record_gate(ssl()), 1);
  EXPECT_EQ(BIO_ctrl(SSL_get_rbio(ssl()), BIO_CTRL_GET_KTLS_RECV, 0, nullptr), 0);
  EXPECT_EQ(BIO_ctrl(SSL_get_rbio(ssl()), BIO_CTRL_GET_KTLS_SEND, 0, nullptr), 0);
  EXPECT_GE(SSL_get_fd(ssl()), 0);
}

INSTANTIATE_TEST_SUITE_P(Bio, RecordGateBioTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
                         });

}  // namespace
}  // namespace detach
