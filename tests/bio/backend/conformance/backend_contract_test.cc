// The contract of bio/backend/tls_backend.h, tried on backends alone, without a session.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>

#include "tests/bio/backend/conformance/backend_end.h"
#include "tests/bio/backend/conformance/conformance_fixture.h"
#include "tests/bio/backend/conformance/connection.h"

namespace detach {
namespace {

class BackendContract : public testing::TestWithParam<BackendPair> {
 protected:
  BackendContract() : contexts_(GetParam(), ClientConfig(GetParam()), ServerConfig(GetParam())) {
    client_.backend = *contexts_.client->NewBackend();
    server_.backend = *contexts_.server->NewBackend();
  }

  void ShakeHands() {
    server_.status = server_.backend->Start(server_.sink);
    client_.status = client_.backend->Start(client_.sink);
    for (int i = 0; i < 4; ++i) {
      Pass(client_, server_);
      Pass(server_, client_);
    }
    ASSERT_TRUE(client_.status.ok()) << client_.status.message();
    ASSERT_TRUE(server_.status.ok()) << server_.status.message();
    ASSERT_EQ(client_.sink.handshakes_done + server_.sink.handshakes_done, 2);
  }

  bool IsTls13() const { return GetParam().version == TlsVersion::kTls13; }

  Contexts contexts_;
  BackendEnd client_;
  BackendEnd server_;
};

TEST_P(BackendContract, KeepsNoByteOfARecordAndCarriesDataBothWays) {
  ShakeHands();
  ASSERT_TRUE(client_.backend->Send(Text("up"), client_.sink).ok());
  ASSERT_TRUE(server_.backend->Send(Text("down"), server_.sink).ok());
  Pass(client_, server_);
  Pass(server_, client_);
  EXPECT_EQ(server_.sink.plaintext, "up");
  EXPECT_EQ(client_.sink.plaintext, "down");
}

TEST_P(BackendContract, SendsAllOfALargePlaintext) {
  ShakeHands();
  const Bytes large(100'000, 'x');
  ASSERT_TRUE(client_.backend->Send(large, client_.sink).ok());
  Pass(client_, server_);
  EXPECT_EQ(server_.sink.plaintext, std::string(100'000, 'x'));
}

TEST_P(BackendContract, ReportsCloseNotifyOnceAndAnswersNothingWhereHalfDetachIsOffered) {
  ShakeHands();
  ASSERT_TRUE(client_.backend->SendCloseNotify(client_.sink).ok());
  Pass(client_, server_);
  EXPECT_EQ(server_.sink.close_notifies, 1);
  EXPECT_TRUE(server_.sink.records.empty() || !server_.backend->half_detach());
}

TEST_P(BackendContract, SaysWhetherItCanHalfDetach) {
  ShakeHands();
  EXPECT_EQ(client_.backend->half_detach(), IsTls13());
  EXPECT_EQ(server_.backend->half_detach(), IsTls13());
}

// Rule 6, hazard 15. Over TLS 1.2 the peer must be silent by then.
TEST_P(BackendContract, WritesNothingBehindItsCloseNotify) {
  ShakeHands();
  ASSERT_TRUE(client_.backend->SendCloseNotify(client_.sink).ok());
  client_.sink.records.clear();
  if (IsTls13()) {
    ASSERT_TRUE(server_.backend->UpdateKeys(server_.sink).ok());
    ASSERT_TRUE(server_.backend->Send(Text("late"), server_.sink).ok());
    Pass(server_, client_);
    EXPECT_TRUE(client_.status.ok()) << client_.status.message();
    EXPECT_EQ(client_.sink.plaintext, "late");
    EXPECT_TRUE(client_.sink.records.empty()) << "an answer to the key update";
  }
  const Bytes forged(25, 23);
  EXPECT_FALSE(client_.backend->Receive(forged, client_.sink).ok());
  EXPECT_TRUE(client_.sink.records.empty()) << "an alert";
}

TEST_P(BackendContract, ItsDestructorWritesNothing) {
  ShakeHands();
  client_.sink.records.clear();
  client_.backend.reset();
  EXPECT_TRUE(client_.sink.records.empty());
}

TEST_P(BackendContract, KeyUpdatesWorkBothWaysOverTls13) {
  ShakeHands();
  if (!IsTls13()) {
    EXPECT_EQ(client_.backend->UpdateKeys(client_.sink).fault(), Fault::kMisuse);
    EXPECT_TRUE(client_.sink.records.empty());
  } else {
    ASSERT_TRUE(client_.backend->UpdateKeys(client_.sink).ok());
    ASSERT_TRUE(server_.backend->UpdateKeys(server_.sink).ok());
    Pass(client_, server_);
    Pass(server_, client_);
  }
  ASSERT_TRUE(client_.backend->Send(Text("up"), client_.sink).ok());
  ASSERT_TRUE(server_.backend->Send(Text("down"), server_.sink).ok());
  Pass(client_, server_);
  Pass(server_, client_);
  EXPECT_EQ(server_.sink.plaintext + client_.sink.plaintext, "updown");
}

TEST_P(BackendContract, RefusesFiveBytesThatAreNoRecordHeader) {
  for (const bool after_handshake : {false, true}) {
    BackendEnd server;
    server.backend = *contexts_.server->NewBackend();
    ASSERT_TRUE(server.backend->Start(server.sink).ok());
    if (after_handshake) ShakeHands();
    BackendEnd& end = after_handshake ? server_ : server;
    EXPECT_FALSE(end.backend->Receive(Text("GET /"), end.sink).ok());
    EXPECT_EQ(end.sink.close_notifies, 0);
  }
}

TEST_P(BackendContract, TellsThePeerWhyItFailed) {
  ShakeHands();
  server_.sink.records.clear();
  Bytes forged = {23, 3, 3, 0, 30};
  forged.resize(35);
  EXPECT_EQ(server_.backend->Receive(forged, server_.sink).fault(), Fault::kViolation);
  EXPECT_FALSE(server_.sink.records.empty());
  Pass(server_, client_);
  EXPECT_EQ(client_.status.fault(), Fault::kViolation);
  EXPECT_EQ(client_.backend->peer_alert(), 20) << "bad_record_mac";
}

TEST_P(BackendContract, TurnsWhateverItsSinkThrowsIntoAStatus) {
  client_.sink.throws_in = "OnRecords";
  EXPECT_EQ(client_.backend->Start(client_.sink).fault(), Fault::kInternal);

  client_.backend = *contexts_.client->NewBackend();
  client_.sink.throws_in = "OnHandshakeDone";
  client_.status = client_.backend->Start(client_.sink);
  ASSERT_TRUE(server_.backend->Start(server_.sink).ok());
  for (int i = 0; i < 4; ++i) {
    Pass(client_, server_);
    Pass(server_, client_);
  }
  EXPECT_EQ(client_.status.fault(), Fault::kInternal);
}

TEST_P(BackendContract, TurnsWhateverItsSinkThrowsInMidStreamIntoAStatus) {
  for (const char* member : {"OnPlaintext", "OnCloseNotify", "OnRecords"}) {
    client_.backend = *contexts_.client->NewBackend();
    server_.backend = *contexts_.server->NewBackend();
    client_.sink = server_.sink = Recorder();
    ShakeHands();
    server_.sink.throws_in = member;
    ASSERT_TRUE(client_.backend->Send(Text("x"), client_.sink).ok());
    ASSERT_TRUE(client_.backend->SendCloseNotify(client_.sink).ok());
    if (std::string_view(member) == "OnRecords") {
      server_.status = server_.backend->Send(Text("x"), server_.sink);
    } else {
      Pass(client_, server_);
    }
    EXPECT_EQ(server_.status.fault(), Fault::kInternal) << member;
  }
}

TEST_P(BackendContract, ItsContextsServeManyThreadsAtOnce) {
  TlsConfig client = ClientConfig(GetParam());
  TlsConfig server = ServerConfig(GetParam());
  client.resumption = server.resumption = true;
  AskForClientCertificate(client, server);
  client.choose_identity = [](const CertificateRequest&) { return SharedPki().client.identity(); };
  Contexts contexts(GetParam(), client, server);
  std::array<std::thread, 4> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([&contexts] {
      for (int round = 0; round < 25; ++round) {
        Connection connection(contexts);
        EXPECT_TRUE(connection.ok());
        connection.Detach();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(EveryPair, BackendContract, testing::ValuesIn(BackendPairs()), PairName);

}  // namespace
}  // namespace detach
