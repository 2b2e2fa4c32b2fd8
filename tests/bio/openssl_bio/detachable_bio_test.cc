#include "bio/openssl_bio/detachable_bio.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "bio/openssl_bio/detach_error.h"
#include "tests/bio/openssl_bio/tls_peer.h"

namespace detach {
namespace {

constexpr int kRaw = BIO_DETACHABLE_RAW;
constexpr int kTls = BIO_DETACHABLE_TLS;

struct Setting {
  int version;
  bool client;  // the end that is called near
  bool quota;   // one byte in every other call, both ways
};

std::string Describe(const Setting& setting) {
  return std::string(setting.version == TLS1_3_VERSION ? "Tls13" : "Tls12") +
         (setting.client ? "Client" : "Server") + (setting.quota ? "OneByte" : "");
}

void PrintTo(const Setting& setting, std::ostream* out) { *out << Describe(setting); }

// Repeat calls as long as `bio` says that it is worth it.
int Repeat(BIO* bio, const std::function<int()>& call) {
  for (int i = 0; i < 1'000'000; ++i) {
    const int result = call();
    if (result > 0 || !BIO_should_retry(bio)) return result;
  }
  return -99;
}

// Write writes all of `bytes`: under TLS one BIO_write does, raw it may take several.
int Write(BIO* bio, std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const std::string_view rest = bytes.substr(written);
    const int result =
        Repeat(bio, [&] { return BIO_write(bio, rest.data(), static_cast<int>(rest.size())); });
    if (result <= 0) return result;
    written += static_cast<std::size_t>(result);
  }
  return static_cast<int>(written);
}

// Read returns what one BIO_read brings; "" at 0 and at an error.
std::string Read(BIO* bio, int size = 1000) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const int got = Repeat(bio, [&] { return BIO_read(bio, bytes.data(), size); });
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

// ReadAll reads until `size` bytes are there, or no more come.
std::string ReadAll(BIO* bio, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    const std::string part = Read(bio, static_cast<int>(size - all.size()));
    if (part.empty()) break;
    all += part;
  }
  return all;
}

int ReadResult(BIO* bio) {
  char byte = 0;
  return Repeat(bio, [&] { return BIO_read(bio, &byte, 1); });
}

int Detach(BIO* bio) {
  return Repeat(bio, [&] { return BIO_detach(bio); });
}

bool SslIsGone(BIO* bio) {
  SSL* ssl = nullptr;
  return BIO_get_ssl(bio, &ssl) == 0 && ssl == nullptr;
}

// Two programs on one transport, each with its detachable BIO.
class DetachableBioTest : public testing::TestWithParam<Setting> {
 protected:
  DetachableBioTest()
      : server_(ServerContext(GetParam().version)), client_(ClientContext(GetParam().version)) {
    Wire wire = GetParam().quota ? PairWire() : SocketWire();
    near_transport_ = wire.near.get();
    far_transport_ = wire.far.get();
    near_.reset(BIO_push(New(GetParam().client), Below(wire.near.release())));
    far_.reset(BIO_push(New(!GetParam().client), Below(wire.far.release())));
  }

  BIO* near() const { return near_.get(); }
  BIO* far() const { return far_.get(); }
  bool half_detach() const { return GetParam().version == TLS1_3_VERSION; }

  SSL* NewSsl(bool client) {
    SSL* ssl = SSL_new((client ? client_ : server_).get());
    if (client) {
      SSL_set_connect_state(ssl);
    } else {
      SSL_set_accept_state(ssl);
    }
    return ssl;
  }

  // Both make the handshake; a server's tickets are read by its client.
  void Handshake() {
    for (int i = 0; i < 1'000'000; ++i) {
      const long one = BIO_do_handshake(near());
      const long other = BIO_do_handshake(far());
      if (one == 1 && other == 1) return;
      ASSERT_TRUE(one == 1 || BIO_should_retry(near()));
      ASSERT_TRUE(other == 1 || BIO_should_retry(far()));
    }
    FAIL() << "no handshake";
  }

  void Talk(BIO* from, BIO* to, std::string_view text, int origin) {
    ASSERT_EQ(Write(from, text), static_cast<int>(text.size()));
    ASSERT_EQ(ReadAll(to, text.size()), text);
    ASSERT_EQ(BIO_read_origin(to), origin);
  }

  // Both leave TLS, near first.
  void DetachBoth() {
    ASSERT_EQ(Detach(near()), 1);
    ASSERT_EQ(ReadResult(far()), 0);
    ASSERT_EQ(Detach(far()), 1);
    ASSERT_EQ(ReadResult(near()), 0);
  }

  Owned<SSL_CTX> server_;
  Owned<SSL_CTX> client_;
  BIO* near_transport_;
  BIO* far_transport_;
  Owned<BIO> near_;
  Owned<BIO> far_;

 private:
  BIO* New(bool client) {
    return BIO_new_detachable((client ? client_ : server_).get(), client ? 1 : 0);
  }
  static BIO* Below(BIO* socket) {
    return GetParam().quota ? BIO_push(NewQuotaFilter(), socket) : socket;
  }
};

TEST_P(DetachableBioTest, WeDetachFirst) {
  Handshake();
  Talk(near(), far(), "under TLS", kTls);
  ASSERT_EQ(Detach(near()), 1);
  EXPECT_EQ(BIO_sending(near()), half_detach() ? kRaw : BIO_DETACHABLE_CLOSING);
  EXPECT_EQ(BIO_receiving(near()), kTls);
  // The peer's direction: under TLS to its own close_notify, and raw behind it.
  if (half_detach()) Talk(far(), near(), "still under TLS", kTls);
  EXPECT_EQ(ReadResult(far()), 0);
  ASSERT_EQ(Detach(far()), 1);
  EXPECT_TRUE(SslIsGone(far()));
  ASSERT_EQ(Write(far(), "raw"), 3);
  EXPECT_EQ(ReadResult(near()), 0);
  EXPECT_EQ(BIO_receiving(near()), kRaw);
  EXPECT_TRUE(SslIsGone(near()));
  EXPECT_EQ(ReadAll(near(), 3), "raw");
  EXPECT_EQ(BIO_read_origin(near()), kRaw);
  Talk(near(), far(), "raw back", kRaw);
}

TEST_P(DetachableBioTest, RawBytesMayFollowOurCloseNotifyAtOnce) {
  if (!half_detach()) GTEST_SKIP() << "TLS 1.2 is silent until the peer's close_notify";
  Handshake();
  ASSERT_EQ(Write(near(), "under TLS"), 9);
  ASSERT_EQ(Detach(near()), 1);
  ASSERT_EQ(Write(near(), "raw"), 3);
  EXPECT_EQ(ReadAll(far(), 100), "under TLS");
  EXPECT_EQ(BIO_read_origin(far()), kTls);
  ASSERT_EQ(Detach(far()), 1);
  EXPECT_EQ(ReadAll(far(), 3), "raw");
  EXPECT_EQ(BIO_read_origin(far()), kRaw);
}

TEST_P(DetachableBioTest, WithoutDetachTheEndStaysTheEnd) {
  Handshake();
  ASSERT_EQ(Detach(far()), 1);
  EXPECT_EQ(ReadResult(near()), 0);
  EXPECT_EQ(BIO_receiving(near()), kRaw);
  ASSERT_EQ(Write(far_transport_, "raw"), 3);
  EXPECT_EQ(ReadResult(near()), 0);
  EXPECT_EQ(ReadResult(near()), 0);
  ASSERT_EQ(Detach(near()), 1);
  EXPECT_EQ(ReadAll(near(), 3), "raw");
}

TEST_P(DetachableBioTest, BothDetachAtOnce) {
  Handshake();
  ASSERT_EQ(Detach(near()), 1);
  ASSERT_EQ(Detach(far()), 1);
  EXPECT_EQ(ReadResult(near()), 0);
  EXPECT_EQ(ReadResult(far()), 0);
  Talk(near(), far(), "one way", kRaw);
  Talk(far(), near(), "the other", kRaw);
}

TEST_P(DetachableBioTest, UpgradesAndDetachesAgainAndAgain) {
  for (int round = 0; round < 5; ++round) {
    Handshake();
    EXPECT_EQ(BIO_sending(near()), kTls);
    Talk(near(), far(), "request " + std::to_string(round), kTls);
    Talk(far(), near(), "answer", kTls);
    DetachBoth();
    Talk(near(), far(), "raw request", kRaw);
    Talk(far(), near(), "raw answer", kRaw);
    ASSERT_EQ(BIO_upgrade(near(), NewSsl(GetParam().client)), 1);
    ASSERT_EQ(BIO_upgrade(far(), NewSsl(!GetParam().client)), 1);
    EXPECT_EQ(BIO_sending(near()), BIO_DETACHABLE_HANDSHAKE);
  }
}

TEST_P(DetachableBioTest, TheTransportStandsAtTheFirstRawByte) {
  Handshake();
  ASSERT_EQ(Detach(near()), 1);
  ASSERT_EQ(ReadResult(far()), 0);
  ASSERT_EQ(Detach(far()), 1);
  ASSERT_EQ(Write(far(), "leftover"), 8);
  ASSERT_EQ(ReadResult(near()), 0);
  const Owned<BIO> below(BIO_pop(near()));
  EXPECT_EQ(ReadAll(near_transport_, 8), "leftover");
}

TEST_P(DetachableBioTest, ABufferAboveServesIfItIsEmptyAtTheSwitch) {
  Handshake();
  const Owned<BIO> buffer(BIO_new(BIO_f_buffer()));
  BIO_push(buffer.get(), near());
  ASSERT_EQ(Write(far(), "line\n"), 5);
  char line[100];
  ASSERT_EQ(Repeat(buffer.get(), [&] { return BIO_gets(buffer.get(), line, sizeof(line)); }), 5);
  ASSERT_EQ(Write(buffer.get(), "answer\n"), 7);
  ASSERT_EQ(Repeat(buffer.get(), [&] { return static_cast<int>(BIO_flush(buffer.get())); }), 1);
  ASSERT_EQ(ReadAll(far(), 7), "answer\n");
  EXPECT_EQ(Detach(buffer.get()), 1);
  EXPECT_EQ(BIO_receiving(buffer.get()), kTls);
  BIO_pop(buffer.get());
}

TEST_P(DetachableBioTest, BeginsRawForStartTls) {
  Wire wire = SocketWire();
  near_.reset(BIO_push(BIO_new(BIO_f_detachable()), wire.near.release()));
  far_.reset(BIO_push(BIO_new(BIO_f_detachable()), wire.far.release()));
  EXPECT_EQ(BIO_sending(near()), kRaw);
  Talk(near(), far(), "STARTTLS\r\n", kRaw);
  Talk(far(), near(), "220 go\r\n", kRaw);
  ASSERT_EQ(BIO_upgrade(near(), NewSsl(GetParam().client)), 1);
  ASSERT_EQ(BIO_upgrade(far(), NewSsl(!GetParam().client)), 1);
  Handshake();
  Talk(near(), far(), "protected", kTls);
}

TEST_P(DetachableBioTest, BytesSmuggledInBeforeTheUpgradeNeverPassForProtected) {
  Handshake();
  DetachBoth();
  ASSERT_EQ(Write(near_transport_, "EVIL COMMAND\r\n"), 14);
  ASSERT_EQ(BIO_upgrade(far(), NewSsl(!GetParam().client)), 1);
  EXPECT_EQ(ReadResult(far()), -1);
  EXPECT_NE(ERR_peek_error(), 0u);
  ERR_clear_error();
  EXPECT_EQ(ReadResult(far()), -1);
}

TEST_P(DetachableBioTest, FreeingAfterDetachWritesNothing) {
  Handshake();
  DetachBoth();
  const Owned<BIO> below(BIO_pop(near()));
  near_.reset();
  EXPECT_EQ(BIO_ctrl_pending(far_transport_), 0u);
  char byte = 0;
  EXPECT_EQ(BIO_read(far_transport_, &byte, 1), -1);
  EXPECT_TRUE(BIO_should_retry(far_transport_));
}

TEST_P(DetachableBioTest, WithNoCloseTheSslStaysTheProgramsOwn) {
  SSL* ssl = nullptr;
  ASSERT_EQ(BIO_get_ssl(near(), &ssl), 1);
  BIO_set_close(near(), BIO_NOCLOSE);
  Handshake();
  DetachBoth();
  EXPECT_TRUE(SslIsGone(near()));
  EXPECT_EQ(SSL_version(ssl), GetParam().version);
  EXPECT_EQ(SSL_get_rbio(ssl), nullptr);
  SSL_free(ssl);
}

std::vector<Setting> AllSettings() {
  std::vector<Setting> settings;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool client : {true, false}) {
      for (const bool quota : {false, true}) settings.push_back({version, client, quota});
    }
  }
  return settings;
}

INSTANTIATE_TEST_SUITE_P(Bio, DetachableBioTest, testing::ValuesIn(AllSettings()),
                         [](const auto& tested) { return Describe(tested.param); });

}  // namespace
}  // namespace detach
