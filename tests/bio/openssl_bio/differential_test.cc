// The same program over BIO_f_ssl and over BIO_f_detachable: what it sees is the same.
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bio/openssl_bio/detachable_bio.h"
#include "tests/bio/openssl_bio/tls_peer.h"

namespace detach {
namespace {

using NewTls = BIO* (*)(SSL_CTX* context, int client);

struct Setting {
  int version;
  bool client;
  std::string chain;  // "Socket", "Pair", or "Long": buffer, TLS, quota filter, pair
};

std::string Describe(const Setting& setting) {
  return std::string(setting.version == TLS1_3_VERSION ? "Tls13" : "Tls12") +
         (setting.client ? "Client" : "Server") + setting.chain;
}

void PrintTo(const Setting& setting, std::ostream* out) { *out << Describe(setting); }

// Program is what a program of the BIO kind does, and the log of what it saw.
class Program {
 public:
  Program(const Setting& setting, NewTls new_tls, SSL_CTX* own_context = nullptr)
      : setting_(setting),
        server_(ServerContext(setting.version)),
        client_(ClientContext(setting.version)),
        wire_(setting.chain == "Socket" ? SocketWire() : PairWire()),
        peer(Context(!setting.client), !setting.client, wire_.far.get()) {
    if (own_context == nullptr) own_context = Context(setting.client);
    tls = new_tls(own_context, setting.client ? 1 : 0);
    BIO* below = wire_.near.release();
    if (setting.chain == "Long") below = BIO_push(NewQuotaFilter(), below);
    BIO* const chain = BIO_push(tls, below);
    bio.reset(setting.chain == "Long" ? BIO_push(BIO_new(BIO_f_buffer()), chain) : chain);
  }

  SSL_CTX* Context(bool client) { return client ? client_.get() : server_.get(); }

  // Once does `call` once and logs all that can be seen of it.
  int Once(std::string_view name, const std::function<long()>& call) {
    return Log(name, call(), "");
  }

  // Drive repeats `call` as long as the BIO says so, moving the peer in between. How often is not
  // logged, only for what it waited.
  int Drive(std::string_view name, const std::function<long()>& call) {
    std::set<std::string> waited_for;
    for (int i = 0; i < 2'000'000; ++i) {
      const long result = call();
      if (result > 0 || !BIO_should_retry(bio.get())) return Log(name, result, Join(waited_for));
      waited_for.insert(RetryFlags());
      EXPECT_EQ(ERR_peek_error(), 0u);
      peer.Step();
    }
    return Log(name, -99, "for ever");
  }

  int Handshake() {
    return Drive("handshake", [this] { return BIO_do_handshake(bio.get()); });
  }
  int Write(std::string_view bytes) {
    const int result = Drive("write", [&] {
      return BIO_write(bio.get(), bytes.data(), static_cast<int>(bytes.size()));
    });
    Drive("flush", [&] { return BIO_flush(bio.get()); });
    return result;
  }
  std::string Read(int size) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    const int got = Drive("read", [&] { return BIO_read(bio.get(), bytes.data(), size); });
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    log.push_back("  " + std::to_string(std::hash<std::string>()(bytes)));
    return bytes;
  }
  // Again does what is to fail as it failed before. Over the quota filter libssl then says "try
  // again" for ever, for the sake of its alert.
  void Again(std::string_view name, const std::function<long()>& call) {
    if (setting_.chain != "Long") Once(name, call);
  }
  int ReadByte() {
    char byte = 0;
    return BIO_read(bio.get(), &byte, 1);
  }
  void ReadOnce() {
    Once("read once", [this] { return ReadByte(); });
  }
  void WaitForPeer(std::size_t size) {
    for (int i = 0; i < 1'000'000 && peer.received().size() < size && peer.ended().empty(); ++i) {
      peer.Step();
      if (BIO_flush(bio.get()) <= 0 && !BIO_should_retry(bio.get())) break;
    }
    log.push_back("peer has " + std::to_string(std::hash<std::string>()(peer.received())) + " " +
                  peer.ended());
  }

  std::vector<std::string> log;

 private:
  const Setting setting_;
  Owned<SSL_CTX> server_;
  Owned<SSL_CTX> client_;
  Wire wire_;

 public:
  TlsPeer peer;
  BIO* tls = nullptr;
  Owned<BIO> bio;  // the head of the chain; before `tls` is gone the peer must not be stepped

 private:
  static std::string Join(const std::set<std::string>& words) {
    std::string joined;
    for (const std::string& word : words) joined += word + " ";
    return joined;
  }
  std::string RetryFlags() const {
    std::string flags;
    if (BIO_should_read(bio.get())) flags += "r";
    if (BIO_should_write(bio.get())) flags += "w";
    if (BIO_should_io_special(bio.get())) flags += "s";
    return flags + (BIO_should_retry(bio.get()) ? "!" : "") +
           std::to_string(BIO_get_retry_reason(bio.get()));
  }
  // Where there is an error on the queue, 0 and -1 are the same: OpenSSL 3.0 returns 0 at an end
  // without close_notify.
  int Log(std::string_view name, long result, const std::string& waited_for) {
    std::string line = std::string(name);
    const std::vector<std::string> errors = TakeErrors();
    line += result <= 0 && !errors.empty() ? " failed " : " = " + std::to_string(result) + " ";
    for (const std::string& error : errors) line += error + " ";
    line += RetryFlags();
    if (!waited_for.empty()) line += " after waiting for " + waited_for;
    line += " eof " + std::to_string(BIO_eof(bio.get()));
    if (errors.empty()) line += " pending " + std::to_string(BIO_pending(bio.get()));
    log.push_back(line);
    return static_cast<int>(result);
  }
};

class DifferentialTest : public testing::TestWithParam<Setting> {
 protected:
  void ExpectSame(const std::function<void(Program&)>& text) {
    EXPECT_EQ(LogOf(BIO_new_ssl, text), LogOf(BIO_new_detachable, text));
  }

 private:
  static std::vector<std::string> LogOf(NewTls new_tls, const std::function<void(Program&)>& text) {
    ERR_clear_error();
    Program program(GetParam(), new_tls);
    text(program);
    return program.log;
  }
};

TEST_P(DifferentialTest, HandshakeThenTalk) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    program.Handshake();
    program.ReadOnce();
    EXPECT_EQ(program.Write("hello"), 5);
    program.Once("wpending", [&] { return BIO_wpending(program.tls); });
    program.WaitForPeer(5);
    EXPECT_EQ(program.peer.received(), "hello");
    program.peer.Send("a longer answer");
    program.peer.Step();
    EXPECT_EQ(program.Read(3), "a l");
    EXPECT_EQ(program.Read(100), "onger answer");
    program.ReadOnce();
  });
}

TEST_P(DifferentialTest, FirstReadMakesTheHandshake) {
  ExpectSame([](Program& program) {
    program.peer.Send("hello");
    EXPECT_EQ(program.Read(100), "hello");
  });
}

TEST_P(DifferentialTest, FirstWriteMakesTheHandshake) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Write("hello"), 5);
    program.WaitForPeer(5);
    EXPECT_EQ(program.peer.received(), "hello");
  });
}

TEST_P(DifferentialTest, LargeWritesAndReads) {
  ExpectSame([](Program& program) {
    std::string large(GetParam().chain == "Long" ? 40'000 : 400'000, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 + i / 256);
    EXPECT_EQ(program.Handshake(), 1);
    program.Write(large);
    program.WaitForPeer(large.size());
    EXPECT_EQ(program.peer.received(), large);
    program.peer.Send(large);
    std::string got;
    while (got.size() < large.size()) {
      const std::string part = program.Read(30'000);
      if (part.empty()) break;
      got += part;
    }
    EXPECT_EQ(got, large);
  });
}

TEST_P(DifferentialTest, CloseNotifyIsTheEndForEver) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    program.peer.Send("last");
    program.peer.Step();
    SSL_shutdown(program.peer.ssl());
    EXPECT_EQ(program.Read(100), "last");
    EXPECT_EQ(program.Read(100), "");
    program.ReadOnce();
    EndWire(program.peer.far());
    program.ReadOnce();
  });
}

TEST_P(DifferentialTest, BytesBehindCloseNotifyAreNotRead) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    program.peer.Send("last");
    program.peer.Step();
    SSL_shutdown(program.peer.ssl());
    BIO_write(program.peer.far(), "raw", 3);
    EXPECT_EQ(program.Read(100), "last");
    EXPECT_EQ(program.Read(100), "");
    program.ReadOnce();
    program.ReadOnce();
  });
}

TEST_P(DifferentialTest, EndWithoutCloseNotifyIsAnError) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    program.peer.Send("last");
    program.peer.Step();
    EndWire(program.peer.far());
    EXPECT_EQ(program.Read(100), "last");
    program.Read(100);
    program.Again("read", [&] { return program.ReadByte(); });
    program.Again("write", [&] { return BIO_write(program.tls, "x", 1); });
  });
}

TEST_P(DifferentialTest, EndBeforeTheHandshakeIsAnError) {
  ExpectSame([](Program& program) {
    EndWire(program.peer.far());
    program.Handshake();
    program.Again("handshake", [&] { return BIO_do_handshake(program.bio.get()); });
    program.Again("read", [&] { return program.ReadByte(); });
  });
}

TEST_P(DifferentialTest, PlaintextInPlaceOfTlsIsAnError) {
  ExpectSame([](Program& program) {
    const std::string_view text = "GET / HTTP/1.0\r\n\r\n";
    BIO_write(program.peer.far(), text.data(), static_cast<int>(text.size()));
    program.Handshake();
  });
}

TEST_P(DifferentialTest, BadCertificateIsAnError) {
  ExpectSame([](Program& program) {
    // For the client, whichever end it is, it is 1970: no certificate is valid yet.
    SSL* client = program.peer.ssl();
    if (GetParam().client) BIO_get_ssl(program.tls, &client);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(client), 1);
    program.Handshake();
    program.peer.Step();
    program.log.push_back(program.peer.ended());
    program.log.push_back(std::to_string(SSL_get_verify_result(client)));
  });
}

TEST_P(DifferentialTest, BadRecordIsAnError) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    std::string record = "\x17\x03\x03";
    record += '\0';
    record += '\x28';
    record += std::string(40, 'x');
    BIO_write(program.peer.far(), record.data(), static_cast<int>(record.size()));
    program.Read(100);
    program.Again("read", [&] { return program.ReadByte(); });
    program.Again("write", [&] { return BIO_write(program.tls, "x", 1); });
    program.peer.Step();
    // Our alert; it does not get through the quota filter at once.
    EXPECT_EQ(program.peer.ended(), GetParam().chain == "Long" ? "" : "error");
  });
}

TEST_P(DifferentialTest, FreeingSendsCloseNotify) {
  ExpectSame([](Program& program) {
    if (GetParam().chain != "Socket") return;  // a pair is gone with one of its ends
    EXPECT_EQ(program.Handshake(), 1);
    program.Write("bye");
    program.WaitForPeer(3);
    program.bio.reset();
    program.peer.Step();
    program.log.push_back(program.peer.ended());
    EXPECT_EQ(program.peer.ended(), "close_notify");
  });
}

TEST_P(DifferentialTest, PutsWritesAndGetsIsUnsupported) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    program.Drive("puts", [&] { return BIO_puts(program.tls, "hello"); });
    char line[10];
    program.Once("gets", [&] { return BIO_gets(program.tls, line, sizeof(line)); });
    program.Once("write nothing", [&] { return BIO_write(program.tls, line, 0); });
  });
}

TEST_P(DifferentialTest, UnfinishedWriteMustBeRepeatedWithTheSameBytes) {
  ExpectSame([](Program& program) {
    EXPECT_EQ(program.Handshake(), 1);
    const std::string large(4'000'000, 'x');
    const std::string other(4'000'000, 'y');
    const int size = static_cast<int>(large.size());
    program.Once("write", [&] { return BIO_write(program.tls, large.data(), size); });
    program.Once("moved", [&] { return BIO_write(program.tls, other.data(), size); });
    program.Once("short", [&] { return BIO_write(program.tls, large.data(), 1); });
  });
}

TEST_P(DifferentialTest, PartialWritesWhereTheProgramWantsThem) {
  ExpectSame([](Program& program) {
    SSL* ssl = nullptr;
    BIO_get_ssl(program.tls, &ssl);
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    EXPECT_EQ(program.Handshake(), 1);
    const std::string large(100'000, 'x');
    const std::string same(100'000, 'x');
    const int size = static_cast<int>(large.size());
    program.Once("write", [&] { return BIO_write(program.tls, large.data(), size); });
    program.Once("moved", [&] { return BIO_write(program.tls, same.data(), size); });
  });
}

TEST_P(DifferentialTest, CtrlsAnswerTheSame) {
  ExpectSame([](Program& program) {
    SSL* ssl = nullptr;
    program.Once("get ssl", [&] { return BIO_get_ssl(program.bio.get(), &ssl); });
    EXPECT_NE(ssl, nullptr);
    program.Once("mode", [&] { return BIO_set_ssl_mode(program.bio.get(), GetParam().client); });
    program.Once("close", [&] { return BIO_get_close(program.tls); });
    program.Once("set close", [&] { return BIO_set_close(program.tls, BIO_NOCLOSE); });
    program.Once("close", [&] { return BIO_get_close(program.tls); });
    program.Once("set close", [&] { return BIO_set_close(program.tls, BIO_CLOSE); });
    program.Once("has fd", [&] { return BIO_get_fd(program.tls, nullptr) >= 0; });
    EXPECT_EQ(program.Handshake(), 1);
    EXPECT_EQ(SSL_is_init_finished(ssl), 1);
    program.log.push_back(SSL_get_version(ssl));
  });
}

std::vector<Setting> AllSettings() {
  std::vector<Setting> settings;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool client : {true, false}) {
      for (const char* chain : {"Socket", "Pair", "Long"}) {
        settings.push_back({version, client, chain});
      }
    }
  }
  return settings;
}

INSTANTIATE_TEST_SUITE_P(Bio, DifferentialTest, testing::ValuesIn(AllSettings()),
                         [](const auto& tested) { return Describe(tested.param); });

}  // namespace
}  // namespace detach
