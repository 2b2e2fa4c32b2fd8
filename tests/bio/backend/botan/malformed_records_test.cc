// Records that no honest peer sends, in every state of a connection: one error, whose fault is the
// peer's, at most one alert for it, and nothing believed.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bio/backend/botan/botan_fixture.h"

namespace detach {
namespace {

constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kApplicationData = 23;

Bytes Record(int type, int version, std::size_t size, std::uint8_t fill) {
  Bytes record = {static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(version >> 8),
                  static_cast<std::uint8_t>(version), static_cast<std::uint8_t>(size >> 8),
                  static_cast<std::uint8_t>(size)};
  record.resize(record.size() + size, fill);
  return record;
}

// Resized returns `record` with another length, and a header that says so.
Bytes Resized(Bytes record, std::size_t size) {
  record.resize(size);
  record[3] = static_cast<std::uint8_t>((size - 5) >> 8);
  record[4] = static_cast<std::uint8_t>(size - 5);
  return record;
}

struct Malformed {
  std::string name;
  Bytes record;
  bool begins_a_message = false;
};

std::vector<Malformed> MalformedRecords() {
  std::vector<Malformed> all;
  for (const int type : {0, 19, 24, 25, 99, 255}) {
    all.push_back({"type " + std::to_string(type), Record(type, 0x0303, 40, 1)});
  }
  for (const int type : {20, 21, 22, 23}) {
    const std::string name = "type " + std::to_string(type);
    all.push_back({name + ", empty", Record(type, 0x0303, 0, 0)});
    all.push_back({name + ", forged", Record(type, 0x0303, 40, 0xff), type == 22});
    all.push_back({name + ", too large", Record(type, 0x0303, 16384 + 2049, 1)});
  }
  all.push_back({"version 0.0", Record(22, 0x0000, 40, 1)});
  all.push_back({"version 2.3", Record(22, 0x0203, 40, 1)});
  all.push_back({"no header", Text("GET /")});
  all.push_back({"alert of one byte", Record(21, 0x0303, 1, 2)});
  all.push_back({"alert of level 3", {21, 3, 3, 0, 2, 3, 40}});
  all.push_back({"message of 16 MiB", {22, 3, 3, 0, 4, 11, 0xff, 0xff, 0xff}, true});
  return all;
}

enum class Moment { kFirst, kInHandshake, kAfterHandshake, kAfterOwnClose };
constexpr Moment kMoments[] = {Moment::kFirst, Moment::kInHandshake, Moment::kAfterHandshake,
                               Moment::kAfterOwnClose};

class MalformedRecord : public BotanTest {
 protected:
  // Bring brings a fresh connection to `moment`.
  void Bring(Moment moment) {
    Open();
    if (moment == Moment::kInHandshake) {
      Pass(client_, server_);
    } else if (moment != Moment::kFirst) {
      Exchange();
      ASSERT_EQ(client_.sink.handshakes_done + server_.sink.handshakes_done, 2);
    }
    if (moment == Moment::kAfterOwnClose) {
      ASSERT_TRUE(client_.backend->SendCloseNotify(client_.sink).ok());
      ASSERT_TRUE(server_.backend->SendCloseNotify(server_.sink).ok());
    }
  }

  // Refuses feeds `record` to `end`, and checks that it was refused as it should be.
  static void Refuses(BackendEnd& end, const Bytes& record, bool closed) {
    const int done = end.sink.handshakes_done;
    end.sink.records.clear();
    const Status status = end.backend->Receive(record, end.sink);
    EXPECT_TRUE(status.fault() == Fault::kViolation || status.fault() == Fault::kIncompatible)
        << FaultName(status.fault()) << ": " << status.message();
    EXPECT_FALSE(status.message().empty());
    EXPECT_EQ(end.sink.plaintext, "");
    EXPECT_EQ(end.sink.close_notifies, 0);
    EXPECT_EQ(end.sink.handshakes_done, done);
    ExpectOneAlert(end.sink.records, closed);
  }

  // At most one record, an alert, which TLS 1.3 protects as if it were data.
  static void ExpectOneAlert(const Bytes& wire, bool closed) {
    EXPECT_TRUE(wire.empty() || !closed) << "behind our close_notify";
    if (wire.empty()) return;
    EXPECT_TRUE(wire[0] == kAlert || wire[0] == kApplicationData) << int{wire[0]};
    ASSERT_GE(wire.size(), 7u);
    EXPECT_EQ(wire.size(), 5u + wire[3] * 256u + wire[4]) << "more than one record";
  }
};

TEST_P(MalformedRecord, IsAnErrorInEveryState) {
  for (const Moment moment : kMoments) {
    for (const Malformed& malformed : MalformedRecords()) {
      for (const bool client : {true, false}) {
        SCOPED_TRACE(malformed.name + (client ? ", client" : ", server") + ", moment " +
                     std::to_string(static_cast<int>(moment)));
        Bring(moment);
        BackendEnd& end = client ? client_ : server_;
        // One may begin a message, even one of 16 MiB; see ThatBeginsAMessageWithoutEnd.
        const bool in_clear = moment == Moment::kFirst || moment == Moment::kInHandshake;
        if (in_clear && malformed.begins_a_message) continue;
        Refuses(end, malformed.record, moment == Moment::kAfterOwnClose);
      }
    }
  }
}

// Genuine records, spoilt.
TEST_P(MalformedRecord, IsAnErrorHoweverAGenuineOneWasSpoilt) {
  for (const bool client : {true, false}) {
    for (int way = 0; way < 5; ++way) {
      SCOPED_TRACE((client ? "client, way " : "server, way ") + std::to_string(way));
      Bring(Moment::kAfterHandshake);
      BackendEnd& end = client ? client_ : server_;
      BackendEnd& peer = client ? server_ : client_;
      peer.sink.records.clear();
      ASSERT_TRUE(peer.backend->Send(Text("genuine"), peer.sink).ok());
      Bytes record = peer.sink.records;
      if (way == 0) record = Resized(record, record.size() - 1);
      if (way == 1) record = Resized(record, record.size() + 1);
      if (way == 2) record.back() ^= 1;
      if (way == 3) record = Resized(record, 6);
      if (way == 4) {  // replayed
        ASSERT_TRUE(end.backend->Receive(record, end.sink).ok());
        end.sink.plaintext.clear();
      }
      Refuses(end, record, false);
    }
  }
}

// Botan would keep up to 16 MiB of a handshake message for a peer that has said nothing yet.
TEST_P(MalformedRecord, ThatBeginsAMessageWithoutEndIsNotCollectedForEver) {
  Bring(Moment::kFirst);
  Bytes begin = Record(22, 0x0303, 16000, 0);
  begin[5] = 1;  // a ClientHello
  begin[6] = 0xff;
  Status status;
  std::size_t taken = 0;
  for (; status.ok() && taken < 1'000'000; taken += begin.size()) {
    status = server_.backend->Receive(begin, server_.sink);
  }
  EXPECT_EQ(status.fault(), Fault::kViolation) << status.message();
  EXPECT_LT(taken, 300'000u);
}

// Whoever changes a byte of a handshake is found out, and it is never called our own failure.
TEST_P(MalformedRecord, InAHandshakeIsFoundOutWhicheverBitWasFlipped) {
  for (const bool from_client : {true, false}) {
    bool flipped = true;
    // A sample: each costs a handshake.
    for (std::size_t at = 0; flipped; at += 5) {
      Open();
      flipped = false;
      std::size_t left = at;
      for (int i = 0; i < 4; ++i) {
        for (const bool client_sends : {true, false}) {
          Bytes& wire = (client_sends ? client_ : server_).sink.records;
          if (client_sends == from_client && !flipped) {
            flipped = left < wire.size();
            if (flipped) wire[left] ^= 1;
            left -= flipped ? 0 : wire.size();
          }
          client_sends ? Pass(client_, server_) : Pass(server_, client_);
        }
      }
      if (!flipped) break;
      const bool both = client_.sink.handshakes_done + server_.sink.handshakes_done == 2;
      EXPECT_FALSE(both && client_.status.ok() && server_.status.ok()) << "byte " << at;
      for (const BackendEnd* end : {&client_, &server_}) {
        EXPECT_NE(end->status.fault(), Fault::kInternal)
            << "byte " << at << (end == &client_ ? " at the client: " : " at the server: ")
            << end->status.message();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Botan, MalformedRecord, testing::ValuesIn(BotanVersions()), VersionName);

}  // namespace
}  // namespace detach
