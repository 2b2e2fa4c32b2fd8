#include "proxies/tunnel/inner_handshake_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/proxies/tunnel/inner_handshakes.h"

namespace detach {
namespace {

constexpr Direction kC2S = Direction::kClientToServer;
constexpr Direction kS2C = Direction::kServerToClient;
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

std::size_t Index(Direction direction) { return static_cast<std::size_t>(direction); }
Direction Other(Direction direction) { return direction == kC2S ? kS2C : kC2S; }

const std::vector<InnerConnection>& Connections() {
  static const auto* connections = new std::vector<InnerConnection>(CaptureInnerConnections());
  return *connections;
}

// --- What is to be expected, from the whole streams, without the observer's parser. ---

struct PlainRecord {
  std::size_t begin;
  std::size_t end;
  int type;
};

std::vector<PlainRecord> PlainRecords(const Bytes& stream) {
  std::vector<PlainRecord> records;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t end = at + 5 + (stream.at(at + 3) << 8 | stream.at(at + 4));
    EXPECT_LE(end, stream.size());
    records.push_back({at, end, stream[at]});
    at = end;
  }
  return records;
}

// OpenSSL writes each hello into a record of its own or at the record's front.
std::size_t EndOfServerHello(const Bytes& stream) {
  for (const PlainRecord& record : PlainRecords(stream)) {
    const bool hello = record.type == 22 && stream[record.begin + 5] == 2;
    const bool retry = hello && stream[record.begin + 11] == 0xcf &&
                       stream[record.begin + 12] == 0x21 && stream[record.begin + 13] == 0xad;
    if (!hello || retry) continue;
    return record.begin + 9 + (stream[record.begin + 7] << 8 | stream[record.begin + 8]);
  }
  return kNever;
}

// The first application data record that begins at `from` or later; in TLS 1.2 behind the
// ChangeCipherSpec that begins at `ccs_from` or later.
std::size_t FirstData(const Bytes& stream, std::size_t from, bool tls13) {
  bool armed = tls13;
  for (const PlainRecord& record : PlainRecords(stream)) {
    if (record.begin < from) continue;
    if (record.type == 20) armed = true;
    if (record.type == 23 && armed) return record.begin;
  }
  return kNever;
}

// --- Feeding. ---

struct Piece {
  Direction direction;
  Bytes bytes;
};

// Interleave cuts the connection into pieces of 1 to `max_piece` bytes, in an order in which they
// may come by: a flight begins when what it answers has passed.
std::vector<Piece> Interleave(const InnerConnection& connection, std::mt19937& random,
                              std::size_t max_piece) {
  std::array<std::vector<const Flight*>, 2> flights;
  for (const Flight& flight : connection.flights) {
    flights[Index(flight.direction)].push_back(&flight);
  }
  std::array<std::size_t, 2> flight_at = {}, byte_at = {}, passed = {};
  std::vector<Piece> pieces;
  const auto ready = [&](Direction d) {
    const std::size_t i = Index(d);
    return flight_at[i] < flights[i].size() &&
           flights[i][flight_at[i]]->needs <= passed[Index(Other(d))];
  };
  while (ready(kC2S) || ready(kS2C)) {
    const Direction d = !ready(kC2S) || (ready(kS2C) && random() % 2) ? kS2C : kC2S;
    const std::size_t i = Index(d);
    const Bytes& flight = flights[i][flight_at[i]]->bytes;
    const std::size_t size = std::min(flight.size() - byte_at[i], 1 + random() % max_piece);
    const auto begin = flight.begin() + static_cast<std::ptrdiff_t>(byte_at[i]);
    pieces.push_back({d, Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))});
    passed[i] += size;
    byte_at[i] += size;
    if (byte_at[i] == flight.size()) {
      ++flight_at[i];
      byte_at[i] = 0;
    }
  }
  EXPECT_EQ(passed[0], Whole(connection, kC2S).size());
  EXPECT_EQ(passed[1], Whole(connection, kS2C).size());
  return pieces;
}

// Sender passes one direction's bytes to an observer as a proxy does, keeping what is held.
class Sender {
 public:
  Sender(InnerHandshakeObserver& observer, Direction direction)
      : observer_(observer), direction_(direction) {}

  // Returns how many bytes, of those that were held and these, are covered.
  std::size_t Send(const Bytes& bytes) {
    if (detached_) return 0;
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    const auto cut = observer_.Send(direction_, held_);
    EXPECT_LE(cut.covered, held_.size());
    covered_ += cut.covered;
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(cut.covered));
    detached_ = cut.detach;
    if (!detached_ && !held_.empty()) {
      EXPECT_LT(held_.size(), 5u);
      EXPECT_EQ(held_[0], 0x17);
      EXPECT_TRUE(observer_.armed(direction_));
    }
    return cut.covered;
  }

  // Where the raw bytes begin in the stream, or kNever.
  std::size_t raw_from() const { return detached_ ? covered_ : kNever; }
  std::size_t covered() const { return covered_; }
  bool detached() const { return detached_; }
  const Bytes& held() const { return held_; }

 private:
  InnerHandshakeObserver& observer_;
  Direction direction_;
  Bytes held_;
  std::size_t covered_ = 0;
  bool detached_ = false;
};

struct Outcome {
  std::array<std::size_t, 2> raw_from;
  std::size_t client_passed_at_server_hello = kNever;  // bytes client to server that came before it
};

Outcome Observe(const InnerConnection& connection, const std::vector<Piece>& pieces) {
  InnerHandshakeObserver observer;
  std::array<Sender, 2> senders = {Sender(observer, kC2S), Sender(observer, kS2C)};
  const std::size_t hello_end = EndOfServerHello(Whole(connection, kS2C));
  Outcome outcome;
  std::array<std::size_t, 2> passed = {};
  for (const Piece& piece : pieces) {
    senders[Index(piece.direction)].Send(piece.bytes);
    passed[Index(piece.direction)] += piece.bytes.size();
    if (outcome.client_passed_at_server_hello == kNever && passed[1] >= hello_end) {
      outcome.client_passed_at_server_hello = passed[0];
    }
  }
  outcome.raw_from = {senders[0].raw_from(), senders[1].raw_from()};
  return outcome;
}

void ExpectExact(const InnerConnection& connection, const std::vector<Piece>& pieces) {
  const Outcome outcome = Observe(connection, pieces);
  if (!connection.detaches) {
    EXPECT_EQ(outcome.raw_from[0], kNever);
    EXPECT_EQ(outcome.raw_from[1], kNever);
    return;
  }
  const Bytes server = Whole(connection, kS2C);
  EXPECT_EQ(
      outcome.raw_from[0],
      FirstData(Whole(connection, kC2S), outcome.client_passed_at_server_hello, connection.tls13));
  EXPECT_EQ(outcome.raw_from[1], FirstData(server, EndOfServerHello(server), connection.tls13));
  EXPECT_NE(outcome.raw_from[0], kNever);
  EXPECT_NE(outcome.raw_from[1], kNever);
}

TEST(InnerHandshakeObserverTest, CutsEachKindOfConnectionAtTheFirstDataRecordAfterArming) {
  std::mt19937 random(1);
  for (const InnerConnection& connection : Connections()) {
    SCOPED_TRACE(connection.name);
    ExpectExact(connection, Interleave(connection, random, 1 << 20));
  }
}

TEST(InnerHandshakeObserverTest, CutsAtTheSamePlaceHoweverTheBytesCome) {
  for (const InnerConnection& connection : Connections()) {
    for (unsigned seed = 0; seed < 24; ++seed) {
      SCOPED_TRACE(connection.name + ", seed " + std::to_string(seed));
      std::mt19937 random(seed);
      const std::size_t max_piece = std::array<std::size_t, 4>{1, 7, 300, 20000}[seed % 4];
      ExpectExact(connection, Interleave(connection, random, max_piece));
      if (testing::Test::HasFailure()) return;
    }
  }
}

bool Contains(std::span<const std::uint8_t> bytes, std::string_view text) {
  return std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) != bytes.end();
}

// TLS 1.3: nothing but 23/0x0303. TLS 1.2: handshake records (renegotiation) could be there, but
// encrypted; here are none.
void ExpectRawPartIsEncryptedRecords(const Bytes& stream, std::size_t raw_from, bool tls13) {
  const Bytes raw(stream.begin() + static_cast<std::ptrdiff_t>(raw_from), stream.end());
  EXPECT_FALSE(Contains(raw, kInnerName));
  for (const PlainRecord& record : PlainRecords(raw)) {
    EXPECT_TRUE(record.type == 23 || (!tls13 && record.type == 21)) << record.type;
    EXPECT_EQ(raw[record.begin + 1], 3);
    EXPECT_EQ(raw[record.begin + 2], 3);
  }
}

TEST(InnerHandshakeObserverTest, LeavesNothingOfTheHandshakeInClear) {
  for (const InnerConnection& connection : Connections()) {
    if (!connection.detaches) continue;
    ASSERT_TRUE(Contains(Whole(connection, kC2S), kInnerName));
    for (unsigned seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(connection.name + ", seed " + std::to_string(seed));
      std::mt19937 random(seed);
      const auto outcome = Observe(connection, Interleave(connection, random, 2000));
      ExpectRawPartIsEncryptedRecords(Whole(connection, kC2S), outcome.raw_from[0],
                                      connection.tls13);
      ExpectRawPartIsEncryptedRecords(Whole(connection, kS2C), outcome.raw_from[1],
                                      connection.tls13);
    }
  }
}

// --- Two proxies, with the wire between them. ---

// Wire is one direction from one proxy to the other: covered bytes, then perhaps close_notify and
// raw bytes, on the way for as long as the test likes.
struct Wire {
  Bytes covered;
  Bytes raw;
  bool closed = false;  // close_notify was sent
};

class TwoProxies {
 public:
  TwoProxies(const InnerConnection& connection, std::mt19937& random, std::size_t max_piece)
      : random_(random), max_piece_(max_piece) {
    for (const Flight& flight : connection.flights) {
      flights_[Index(flight.direction)].push_back(flight);
    }
  }

  // Moves bytes about in random order until nothing moves.
  void Run() {
    const std::array moves = {&TwoProxies::Originate, &TwoProxies::Transport};
    int idle = 0;
    while (idle < 64 && !testing::Test::HasFailure()) {
      const Direction direction = random_() % 2 ? kC2S : kS2C;
      idle = (this->*moves[random_() % 2])(direction) ? 0 : idle + 1;
    }
  }

  const Bytes& delivered(Direction direction) const { return delivered_[Index(direction)]; }
  bool detached(Direction direction) const { return SenderOf(direction).detached(); }

 private:
  // The sending end's next bytes reach the proxy next to it, which passes them on.
  bool Originate(Direction direction) {
    const std::size_t i = Index(direction);
    if (flights_[i].empty() || flights_[i][0].needs > delivered_[Index(Other(direction))].size()) {
      return false;
    }
    const Bytes bytes = TakeFront(flights_[i][0].bytes);
    if (flights_[i][0].bytes.empty()) flights_[i].erase(flights_[i].begin());
    Wire& wire = wires_[i];
    if (wire.closed) {
      Append(wire.raw, bytes);
      return true;
    }
    Sender& sender = SenderOf(direction);
    Bytes all = sender.held();
    Append(all, bytes);
    const std::size_t covered = sender.Send(bytes);
    Append(wire.covered, Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(covered)));
    if (sender.detached()) {
      wire.closed = true;
      Append(wire.raw, Bytes(all.begin() + static_cast<std::ptrdiff_t>(covered), all.end()));
    }
    return true;
  }

  // Bytes come out at the other proxy, which checks them and delivers.
  bool Transport(Direction direction) {
    const std::size_t i = Index(direction);
    Wire& wire = wires_[i];
    if (!wire.covered.empty()) {
      const Bytes bytes = TakeFront(wire.covered);
      ReceiverOf(direction).Receive(direction, bytes);
      Append(delivered_[i], bytes);
      return true;
    }
    if (!wire.closed || wire.raw.empty()) return false;
    if (!raw_seen_[i]) {
      raw_seen_[i] = true;
      EXPECT_TRUE(ReceiverOf(direction).MayTurnRaw(direction, wire.raw[0]));
    }
    Append(delivered_[i], TakeFront(wire.raw));
    return true;
  }

  Bytes TakeFront(Bytes& bytes) {
    const std::size_t size = std::min(bytes.size(), 1 + random_() % max_piece_);
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(size);
    const Bytes front(bytes.begin(), end);
    bytes.erase(bytes.begin(), end);
    return front;
  }
  static void Append(Bytes& to, const Bytes& bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
  }

  Sender& SenderOf(Direction direction) { return senders_[Index(direction)]; }
  const Sender& SenderOf(Direction direction) const { return senders_[Index(direction)]; }
  InnerHandshakeObserver& ReceiverOf(Direction direction) {
    return direction == kC2S ? reverse_proxy_ : client_proxy_;
  }

  std::mt19937& random_;
  std::size_t max_piece_;
  std::array<std::vector<Flight>, 2> flights_;
  InnerHandshakeObserver client_proxy_;
  InnerHandshakeObserver reverse_proxy_;
  std::array<Sender, 2> senders_ = {Sender(client_proxy_, kC2S), Sender(reverse_proxy_, kS2C)};
  std::array<Wire, 2> wires_;
  std::array<Bytes, 2> delivered_;
  std::array<bool, 2> raw_seen_ = {};
};

TEST(TwoObserversTest, AgreeWhateverTheDelaysBetweenThem) {
  for (const InnerConnection& connection : Connections()) {
    for (unsigned seed = 0; seed < 60; ++seed) {
      SCOPED_TRACE(connection.name + ", seed " + std::to_string(seed));
      std::mt19937 random(seed);
      TwoProxies proxies(connection, random, std::array<std::size_t, 3>{40, 700, 20000}[seed % 3]);
      proxies.Run();
      for (const Direction direction : {kC2S, kS2C}) {
        EXPECT_EQ(proxies.delivered(direction), Whole(connection, direction));
        EXPECT_EQ(proxies.detached(direction), connection.detaches);
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

// --- Streams made by hand. ---

Bytes Record(int type, const Bytes& body, int version = 0x0303) {
  Bytes record = {static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(version >> 8),
                  static_cast<std::uint8_t>(version), static_cast<std::uint8_t>(body.size() >> 8),
                  static_cast<std::uint8_t>(body.size())};
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

Bytes Message(int type, const Bytes& body) {
  Bytes message = {static_cast<std::uint8_t>(type), 0, static_cast<std::uint8_t>(body.size() >> 8),
                   static_cast<std::uint8_t>(body.size())};
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Bytes kRetryRandom = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                            0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                            0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
const Bytes kTls13Extensions = {0, 6, 0, 43, 0, 2, 3, 4};

Bytes HelloBody(const Bytes& random, int suite, const Bytes& extensions) {
  return Bytes{3, 3} + random + Bytes{2, 9, 9} +
         Bytes{static_cast<std::uint8_t>(suite >> 8), static_cast<std::uint8_t>(suite), 0} +
         extensions;
}
Bytes ServerHello(int suite, const Bytes& extensions) {
  return Message(2, HelloBody(Bytes(32, 7), suite, extensions));
}
Bytes Retry() { return Message(2, HelloBody(kRetryRandom, 0x1301, kTls13Extensions)); }
Bytes ClientHello() { return Message(1, Bytes(60, 3)); }
Bytes Data(std::size_t size = 4) { return Record(23, Bytes(size, 0xaa)); }
Bytes ChangeCipherSpec() { return Record(20, {1}); }

// What comes out when the client's stream is sent, then the server's, then the client's next
// record.
bool ClientArmedAfter(const Bytes& client, const Bytes& server) {
  InnerHandshakeObserver observer;
  observer.Send(kC2S, client);
  observer.Receive(kS2C, server);
  const Bytes data = Data();
  const auto cut = observer.Send(kC2S, data);
  EXPECT_EQ(cut.detach, observer.armed(kC2S));
  EXPECT_EQ(cut.covered, cut.detach ? 0 : data.size());
  return cut.detach;
}

const Bytes kServerHello13 = ServerHello(0x1301, kTls13Extensions);

TEST(CoverRuleTest, TheHellosOfTls13ArmBothDirections) {
  EXPECT_TRUE(ClientArmedAfter(Record(22, ClientHello(), 0x0301), Record(22, kServerHello13)));
}

TEST(CoverRuleTest, OneHelloAloneArmsNothing) {
  EXPECT_FALSE(ClientArmedAfter(Record(22, ClientHello()), {}));
  EXPECT_FALSE(ClientArmedAfter({}, Record(22, kServerHello13)));
}

TEST(CoverRuleTest, HellosMayBeFragmentedAndShareRecords) {
  const Bytes hello = ClientHello();
  for (std::size_t cut = 1; cut < hello.size(); ++cut) {
    const auto at = hello.begin() + static_cast<std::ptrdiff_t>(cut);
    const Bytes client = Record(22, Bytes(hello.begin(), at)) + Record(22, Bytes(at, hello.end()));
    EXPECT_TRUE(ClientArmedAfter(client, Record(22, kServerHello13))) << cut;
    EXPECT_FALSE(
        ClientArmedAfter(Record(22, Bytes(hello.begin(), at)), Record(22, kServerHello13)));
  }
  for (std::size_t cut = 1; cut < kServerHello13.size(); ++cut) {
    const auto at = kServerHello13.begin() + static_cast<std::ptrdiff_t>(cut);
    const Bytes first = Record(22, Bytes(kServerHello13.begin(), at));
    EXPECT_TRUE(
        ClientArmedAfter(Record(22, hello), first + Record(22, Bytes(at, kServerHello13.end()))));
    EXPECT_FALSE(ClientArmedAfter(Record(22, hello), first));
  }
  // TLS 1.2: ServerHello, Certificate … in one record.
  const Bytes flight = ServerHello(0xC02B, {}) + Message(11, Bytes(500, 1)) + Message(14, {});
  EXPECT_TRUE(ClientArmedAfter(Record(22, hello), Record(22, flight)) ==
              ClientArmedAfter(Record(22, hello), Record(22, ServerHello(0xC02B, {}))));
}

TEST(CoverRuleTest, AHelloRetryRequestAsksForASecondClientHello) {
  const Bytes hello = Record(22, ClientHello());
  const Bytes retry = Record(22, Retry());
  const Bytes both = retry + ChangeCipherSpec() + Record(22, kServerHello13);
  EXPECT_FALSE(ClientArmedAfter(hello, retry));
  EXPECT_FALSE(ClientArmedAfter(hello + hello, retry));
  EXPECT_FALSE(ClientArmedAfter(hello + ChangeCipherSpec() + Data(), both));
  EXPECT_TRUE(ClientArmedAfter(hello + ChangeCipherSpec() + Data() + hello, both));
  EXPECT_FALSE(ClientArmedAfter(hello + hello, retry + both));  // two of them: no TLS 1.3
}

TEST(CoverRuleTest, SuitesOfTls13AreTakenFromTheList) {
  for (int suite = 0x1300; suite <= 0x1306; ++suite) {
    const Bytes hello = Record(22, ServerHello(suite, kTls13Extensions));
    EXPECT_EQ(ClientArmedAfter(Record(22, ClientHello()), hello), suite > 0x1300 && suite < 0x1306);
  }
}

// The client's stream in TLS 1.2 goes on with its key exchange.
bool ArmedWithTls12(int suite, const Bytes& extensions) {
  InnerHandshakeObserver observer;
  observer.Send(kC2S, Record(22, ClientHello()));
  observer.Receive(kS2C, Record(22, ServerHello(suite, extensions)));
  observer.Send(kC2S, Record(22, Message(16, Bytes(66, 1))) + ChangeCipherSpec());
  EXPECT_FALSE(observer.armed(kS2C));
  observer.Receive(kS2C, ChangeCipherSpec());
  EXPECT_EQ(observer.armed(kS2C), observer.armed(kC2S));
  return observer.armed(kC2S);
}

TEST(CoverRuleTest, OnlyTheListedSuitesOfTls12Arm) {
  std::vector<int> armed;
  for (int suite = 0; suite <= 0xffff; ++suite) {
    if (ArmedWithTls12(suite, {})) armed.push_back(suite);
  }
  EXPECT_EQ(armed, (std::vector<int>{0x009E, 0x009F, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xC09E, 0xC09F,
                                     0xC0AC, 0xC0AD, 0xCCA8, 0xCCA9, 0xCCAA}));
}

TEST(CoverRuleTest, VersionsAndSuitesDoNotMix) {
  EXPECT_FALSE(ArmedWithTls12(0xC02B, kTls13Extensions));
  EXPECT_FALSE(ArmedWithTls12(0x1301, {}));
  EXPECT_FALSE(ArmedWithTls12(0xC02B, {0, 6, 0, 43, 0, 2, 3, 3}));
  EXPECT_FALSE(ClientArmedAfter(Record(22, ClientHello()),
                                Record(22, ServerHello(0x1301, {0, 6, 0, 43, 0, 2, 3, 5}))));
}

TEST(CoverRuleTest, InTls12EachDirectionWaitsForItsOwnChangeCipherSpec) {
  InnerHandshakeObserver observer;
  observer.Send(kC2S, Record(22, ClientHello()));
  observer.Receive(kS2C, Record(22, ServerHello(0xC02B, {})));
  EXPECT_FALSE(observer.armed(kC2S));
  observer.Receive(kS2C, ChangeCipherSpec());
  EXPECT_TRUE(observer.armed(kS2C));
  EXPECT_FALSE(observer.armed(kC2S));
  observer.Send(kC2S, ChangeCipherSpec());
  EXPECT_TRUE(observer.armed(kC2S));
}

TEST(CoverRuleTest, AChangeCipherSpecFromBeforeTheServersChoiceIsNotTls12s) {
  EXPECT_FALSE(ClientArmedAfter(Record(22, ClientHello()) + ChangeCipherSpec(),
                                Record(22, ServerHello(0xC02B, {}))));
}

TEST(CoverRuleTest, MalformedServerHellosArmNothing) {
  const Bytes client = Record(22, ClientHello());
  const Bytes body(kServerHello13.begin() + 4, kServerHello13.end());
  ASSERT_TRUE(ClientArmedAfter(client, Record(22, Message(2, body))));
  for (std::size_t size = 0; size < body.size(); ++size) {
    const Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(ClientArmedAfter(client, Record(22, Message(2, cut)))) << size;
  }
  EXPECT_FALSE(ClientArmedAfter(client, Record(22, Message(2, body + Bytes{0}))));
  Bytes changed = body;
  changed[34] = 33;  // the session id's length
  EXPECT_FALSE(ClientArmedAfter(client, Record(22, Message(2, changed))));
  changed = body;
  changed[1] = 2;  // legacy_version
  EXPECT_FALSE(ClientArmedAfter(client, Record(22, Message(2, changed))));
  changed = body;
  changed[39] = 1;  // compression
  EXPECT_FALSE(ClientArmedAfter(client, Record(22, Message(2, changed))));
  EXPECT_FALSE(ClientArmedAfter(
      client, Record(22, ServerHello(0x1301, {0, 12, 0, 43, 0, 2, 3, 4, 0, 43, 0, 2, 3, 4}))));
  EXPECT_FALSE(
      ClientArmedAfter(client, Record(22, ServerHello(0x1301, {0, 7, 0, 43, 0, 3, 3, 4, 0}))));
}

TEST(CoverRuleTest, AServerHelloBeyondTheLimitStaysCovered) {
  const auto hello = [](std::size_t padding) {
    const std::size_t size = padding + 10;
    const Bytes extensions =
        Bytes{static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)} +
        Bytes{0, 43, 0, 2, 3, 4} +
        Bytes{0x55, 0x55, static_cast<std::uint8_t>(padding >> 8),
              static_cast<std::uint8_t>(padding)} +
        Bytes(padding, 0);
    return Record(22, ServerHello(0x1301, extensions));
  };
  const std::size_t fixed = 2 + 32 + 3 + 3 + 12;
  const std::size_t most = InnerHandshakeObserver::kMaxServerHello - fixed;
  EXPECT_TRUE(ClientArmedAfter(Record(22, ClientHello()), hello(most)));
  EXPECT_FALSE(ClientArmedAfter(Record(22, ClientHello()), hello(most + 1)));
}

TEST(CoverRuleTest, WhatIsNotTlsFromItsFirstByteStaysCovered) {
  const Bytes hello = Record(22, ClientHello());
  const Bytes answer = Record(22, kServerHello13);
  for (const std::string_view text :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "EHLO x\r\n",
        "\x80\x2e\x01", "\x16"}) {
    const Bytes bytes(text.begin(), text.end());
    EXPECT_FALSE(ClientArmedAfter(bytes + hello, answer)) << text;
    EXPECT_FALSE(ClientArmedAfter(hello, bytes + answer)) << text;
  }
  // However long it is: there is no looking for a record that might begin later.
  for (std::size_t size = 1; size <= 20; ++size) {
    EXPECT_FALSE(ClientArmedAfter(Bytes(size, 'G') + hello, answer)) << size;
    EXPECT_FALSE(ClientArmedAfter(hello, Bytes(size, 'G') + answer)) << size;
  }
  EXPECT_FALSE(ClientArmedAfter(Data() + hello, answer));
  EXPECT_FALSE(ClientArmedAfter(ChangeCipherSpec() + hello, answer));
  EXPECT_FALSE(ClientArmedAfter(Record(21, {1, 0}) + hello, answer));
  EXPECT_FALSE(ClientArmedAfter(Record(22, Message(0, {})) + hello, answer));
  EXPECT_FALSE(ClientArmedAfter(hello, Data() + answer));
  EXPECT_FALSE(ClientArmedAfter(hello, Record(22, Message(0, {})) + answer));
  EXPECT_FALSE(ClientArmedAfter(hello, Record(22, ClientHello())));
}

TEST(CoverRuleTest, AWarningBeforeTheServerHelloDoesNoHarm) {
  EXPECT_TRUE(ClientArmedAfter(Record(22, ClientHello()),
                               Record(21, {1, 112}) + Record(22, kServerHello13)));
}

TEST(CoverRuleTest, RandomBytesStayCovered) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    Bytes garbage(1000);
    for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
    EXPECT_FALSE(ClientArmedAfter(garbage, Record(22, kServerHello13)));
    EXPECT_FALSE(ClientArmedAfter(Record(22, ClientHello()), garbage));
  }
}

class ArmedObserverTest : public testing::Test {
 protected:
  ArmedObserverTest() {
    observer_.Send(kC2S, Record(22, ClientHello()));
    observer_.Receive(kS2C, Record(22, kServerHello13));
  }
  InnerHandshakeObserver::Cut Send(const Bytes& bytes) { return observer_.Send(kC2S, bytes); }

  InnerHandshakeObserver observer_;
};

TEST_F(ArmedObserverTest, HoldsAnIncompleteHeaderThatMayBeThePlace) {
  const Bytes data = Data();
  for (std::size_t size = 1; size < 5; ++size) {
    const auto cut = Send(Bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(cut.covered, 0u);
    EXPECT_FALSE(cut.detach);
  }
  const auto cut = Send(Bytes(data.begin(), data.begin() + 5));
  EXPECT_EQ(cut.covered, 0u);
  EXPECT_TRUE(cut.detach);
}

TEST_F(ArmedObserverTest, CoversWhatComesBeforeThePlace) {
  const Bytes before = ChangeCipherSpec() + Record(21, {1, 90});
  const auto cut = Send(before + Data() + Data());
  EXPECT_EQ(cut.covered, before.size());
  EXPECT_TRUE(cut.detach);
}

TEST_F(ArmedObserverTest, HeadersThatNoRecordHasBreakTheDirectionForGood) {
  for (const Bytes& header : std::vector<Bytes>{{23, 3, 1, 0, 4},
                                                {23, 3, 4, 0, 4},
                                                {23, 2, 3, 0, 4},
                                                {23, 3, 3, 0x48, 1},
                                                {24, 3, 3, 0, 4},
                                                {19, 3, 3, 0, 4},
                                                {22, 3, 3, 0, 0},
                                                {21, 3, 0, 0, 2}}) {
    InnerHandshakeObserver observer = observer_;
    const Bytes bytes = header + Bytes(4, 0) + Data();
    const auto cut = observer.Send(kC2S, bytes);
    EXPECT_EQ(cut.covered, bytes.size());
    EXPECT_FALSE(cut.detach);
    EXPECT_FALSE(observer.Send(kC2S, Data()).detach);
    EXPECT_TRUE(observer.armed(kS2C)) << "the other direction is not to blame";
  }
}

TEST_F(ArmedObserverTest, AnEmptyDataRecordIsAPlaceToo) {
  const auto cut = Send(Data(0));
  EXPECT_EQ(cut.covered, 0u);
  EXPECT_TRUE(cut.detach);
}

TEST_F(ArmedObserverTest, ReceiverTakesRawBytesOnlyWhereASenderMayDetach) {
  EXPECT_TRUE(observer_.MayTurnRaw(kS2C, 0x17));
  for (int first = 0; first < 256; ++first) {
    EXPECT_EQ(observer_.MayTurnRaw(kS2C, static_cast<std::uint8_t>(first)), first == 0x17);
  }
  const Bytes data = Data();
  for (std::size_t i = 0; i < data.size(); ++i) {
    observer_.Receive(kS2C, {&data[i], 1});
    EXPECT_EQ(observer_.MayTurnRaw(kS2C, 0x17), i + 1 == data.size());
  }
}

TEST_F(ArmedObserverTest, ARecordWhoseHeaderIsPartlyCoveredStaysCovered) {
  // Three bytes of the header went under cover before the ServerHello came.
  InnerHandshakeObserver observer;
  const Bytes data = Data();
  observer.Send(kC2S, Record(22, ClientHello()));
  EXPECT_EQ(observer.Send(kC2S, Bytes(data.begin(), data.begin() + 3)).covered, 3u);
  observer.Receive(kS2C, Record(22, kServerHello13));
  const Bytes rest = Bytes(data.begin() + 3, data.end()) + data;
  const auto cut = observer.Send(kC2S, rest);
  EXPECT_EQ(cut.covered, data.size() - 3);
  EXPECT_TRUE(cut.detach);
}

TEST(TwoObserversTest, AgreeAlsoWhenOneDirectionBreaksLater) {
  // The server's stream breaks while the client's raw bytes are on their way.
  InnerHandshakeObserver client_proxy, reverse_proxy;
  const Bytes hello = Record(22, ClientHello()), answer = Record(22, kServerHello13);
  client_proxy.Send(kC2S, hello);
  reverse_proxy.Receive(kC2S, hello);
  reverse_proxy.Send(kS2C, answer);
  client_proxy.Receive(kS2C, answer);
  EXPECT_TRUE(client_proxy.Send(kC2S, Data()).detach);
  reverse_proxy.Send(kS2C, Bytes(10, 0));
  EXPECT_TRUE(reverse_proxy.MayTurnRaw(kC2S, 0x17));
  EXPECT_FALSE(reverse_proxy.Send(kS2C, Data()).detach);
}

}  // namespace
}  // namespace detach
