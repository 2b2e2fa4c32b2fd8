// TLS -> raw -> TLS, again and again on one connection, at random: versions, roles, who closes
// first, sizes, and how little the transport takes at a time. Every byte is checked against its
// place.
//
// DETACH_CYCLES=N asks for more of them. A failure prints its seed; that one connection again:
//   --test_env=DETACH_SEED=N --test_filter='CyclesWithSeed*'
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "tests/bio/backend/conformance/conformance_fixture.h"

namespace detach {
namespace {

constexpr int kShards = 8;
constexpr int kDefaultCycles = 20'000;

using Random = std::mt19937_64;

std::size_t UpTo(Random& random, std::size_t max) { return random() % (max + 1); }
bool Chance(Random& random, int one_in) { return random() % static_cast<unsigned>(one_in) == 0; }

// Phase is what one end sends under one TLS and behind it.
struct Phase {
  std::size_t tls_size;
  std::size_t raw_size;
  bool closes_first;
};

// Epoch is one TLS connection of the cycle and the raw bytes behind it.
struct Epoch {
  const BackendPair* pair;
  Contexts* contexts;
  int client;  // which end is the TLS client
  Phase phases[2];
};

// The byte at `position` of what `end` sends in `epoch`: never the same in two places for long.
std::uint8_t ByteAt(std::size_t epoch, int end, Origin origin, std::size_t position) {
  std::uint64_t x = (epoch * 4 + static_cast<std::size_t>(end) * 2 + (origin == Origin::kTls))
                    << 32;
  x = (x + position + 1) * 0x9e3779b97f4a7c15u;
  return static_cast<std::uint8_t>(x >> 56);
}

// Party is one end and how far it has come in the plan.
class Party {
 public:
  Party(int self, const std::vector<Epoch>& plan) : self_(self), plan_(plan) {}

  bool done() const { return epoch_ == plan_.size(); }
  TlsSession& session() { return session_; }
  std::string Where() const;

  // Each does a little of what can be done; returns whether anything was.
  bool Send(Random& random);
  bool Receive(Random& random);

 private:
  const Phase& ours() const { return plan_[epoch_].phases[self_]; }
  const Phase& theirs() const { return plan_[epoch_].phases[1 - self_]; }
  bool Upgrade();
  bool MayDetach() const;
  bool Write(Random& random, Origin origin, std::size_t& done, std::size_t size);
  void Check(const ReadResult& result, const std::vector<std::uint8_t>& bytes);
  void FinishEpoch();

  const int self_;
  const std::vector<Epoch>& plan_;
  TlsSession session_;
  std::size_t epoch_ = 0;
  bool upgraded_ = false;
  bool detached_ = false;
  bool peer_detached_ = false;
  std::size_t tls_sent_ = 0, raw_sent_ = 0, tls_received_ = 0, raw_received_ = 0;
};

std::string Party::Where() const {
  return "end " + std::to_string(self_) + " in epoch " + std::to_string(epoch_) + ": sending " +
         std::string(Name(session_.state().sending)) + ", receiving " +
         std::string(Name(session_.state().receiving)) + ", sent " + std::to_string(tls_sent_) +
         "+" + std::to_string(raw_sent_) + ", received " + std::to_string(tls_received_) + "+" +
         std::to_string(raw_received_) + "; " + session_.status().message();
}

bool Party::Upgrade() {
  const Epoch& epoch = plan_[epoch_];
  TlsContext& context = epoch.client == self_ ? *epoch.contexts->client : *epoch.contexts->server;
  Result<std::unique_ptr<TlsBackend>> backend = context.NewBackend();
  EXPECT_TRUE(backend.ok());
  const Status status = session_.Upgrade(*std::move(backend));
  EXPECT_TRUE(status.ok()) << status.message();
  return upgraded_ = true;
}

// TLS 1.3: whenever all was written. TLS 1.2: when both ends are silent, whoever goes first.
bool Party::MayDetach() const {
  if (tls_sent_ < ours().tls_size) return false;
  if (plan_[epoch_].pair->version == TlsVersion::kTls13) return true;
  return tls_received_ == theirs().tls_size && (ours().closes_first || peer_detached_);
}

bool Party::Write(Random& random, Origin origin, std::size_t& done, std::size_t size) {
  if (done == size) return false;
  Bytes bytes(1 + UpTo(random, size - done - 1));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = ByteAt(epoch_, self_, origin, done + i);
  }
  const Result<std::size_t> taken = session_.Write(bytes);
  EXPECT_TRUE(taken.ok()) << taken.status().message();
  if (!taken.ok()) return false;
  done += *taken;
  return *taken > 0;
}

bool Party::Send(Random& random) {
  if (done()) return false;
  if (!upgraded_) return Upgrade();
  if (!session_.handshake_done() && !detached_) return false;
  if (!detached_) {
    if (session_.state().sending == Sending::kTls) {
      if (Chance(random, 20) && session_.UpdateKeys().ok()) return true;
      if (Write(random, Origin::kTls, tls_sent_, ours().tls_size)) return true;
    }
    if (!MayDetach()) return false;
    const Status status = session_.Detach();
    EXPECT_TRUE(status.ok()) << status.message();
    return detached_ = true;
  }
  if (session_.state().sending != Sending::kRaw) return false;
  const bool wrote = Write(random, Origin::kRaw, raw_sent_, ours().raw_size);
  FinishEpoch();
  return wrote;
}

// Reads what the plan foresees, and not a byte more: what follows may be the next ClientHello.
bool Party::Receive(Random& random) {
  if (done() || !upgraded_) return false;
  const std::size_t left = peer_detached_ ? theirs().raw_size - raw_received_ : 70'000;
  if (left == 0) return false;
  std::vector<std::uint8_t> buffer(1 + UpTo(random, left - 1));
  const Result<ReadResult> result = session_.Read(buffer);
  EXPECT_TRUE(result.ok()) << result.status().message();
  if (!result.ok() || result->event == ReadEvent::kWantInput) return false;
  Check(*result, buffer);
  FinishEpoch();
  return true;
}

void Party::Check(const ReadResult& result, const std::vector<std::uint8_t>& bytes) {
  if (result.event == ReadEvent::kPeerDetached) {
    EXPECT_FALSE(peer_detached_);
    EXPECT_EQ(tls_received_, theirs().tls_size) << "lost under TLS";
    peer_detached_ = true;
    return;
  }
  ASSERT_EQ(result.event, ReadEvent::kBytes);
  ASSERT_EQ(result.origin, peer_detached_ ? Origin::kRaw : Origin::kTls);
  std::size_t& received = peer_detached_ ? raw_received_ : tls_received_;
  for (std::size_t i = 0; i < result.size; ++i) {
    ASSERT_EQ(bytes[i], ByteAt(epoch_, 1 - self_, result.origin, received + i));
  }
  received += result.size;
}

void Party::FinishEpoch() {
  if (session_.state() != State{} || !peer_detached_ || raw_sent_ < ours().raw_size ||
      raw_received_ < theirs().raw_size) {
    return;
  }
  EXPECT_FALSE(session_.has_tls());
  ++epoch_;
  upgraded_ = detached_ = peer_detached_ = false;
  tls_sent_ = raw_sent_ = tls_received_ = raw_received_ = 0;
}

// Transport carries from one end to the other, at most `quota` bytes at a time.
class Transport {
 public:
  Transport(TlsSession& from, TlsSession& to, std::size_t quota)
      : from_(from), to_(to), quota_(quota) {}

  bool Write(Random& random) {
    const std::span<const std::uint8_t> output = from_.Output();
    const std::size_t size = std::min(output.size(), 1 + UpTo(random, quota_ - 1));
    wire_.insert(wire_.end(), output.begin(), output.begin() + static_cast<std::ptrdiff_t>(size));
    from_.OutputWritten(size);
    return size > 0;
  }

  bool Read(Random& random) {
    if (wire_.empty()) return false;
    const std::span<std::uint8_t> space = to_.ReceiveSpace();
    const std::size_t size = std::min({wire_.size(), space.size(), 1 + UpTo(random, quota_ - 1)});
    if (size == 0) return false;
    std::copy_n(wire_.begin(), size, space.begin());
    wire_.erase(wire_.begin(), wire_.begin() + static_cast<std::ptrdiff_t>(size));
    const Status status = to_.Received(size);
    EXPECT_TRUE(status.ok()) << status.message();
    return true;
  }

 private:
  TlsSession& from_;
  TlsSession& to_;
  const std::size_t quota_;
  std::deque<std::uint8_t> wire_;
};

// One set of contexts for each pair, with and without client certificates; all resume sessions.
class ContextPool {
 public:
  ContextPool() {
    for (const BackendPair& pair : BackendPairs()) {
      for (const bool client_certificate : {false, true}) {
        TlsConfig client = ClientConfig(pair);
        TlsConfig server = ServerConfig(pair);
        client.resumption = server.resumption = true;
        if (client_certificate) AskForClientCertificate(client, server);
        entries_.push_back({&pair, {pair, client, server}});
      }
    }
  }

  struct Entry {
    const BackendPair* pair;
    Contexts contexts;
  };
  Entry& Any(Random& random) { return entries_[random() % entries_.size()]; }

 private:
  std::deque<Entry> entries_;
};

std::vector<Epoch> Plan(Random& random, ContextPool& pool, std::size_t max_size) {
  std::vector<Epoch> plan(1 + UpTo(random, 8));
  for (Epoch& epoch : plan) {
    ContextPool::Entry& entry = pool.Any(random);
    epoch = {entry.pair, &entry.contexts, static_cast<int>(UpTo(random, 1)), {}};
    for (Phase& phase : epoch.phases) {
      phase = {UpTo(random, max_size), UpTo(random, max_size), Chance(random, 2)};
    }
    // Somebody has to go first.
    if (!epoch.phases[0].closes_first) epoch.phases[1].closes_first = true;
  }
  return plan;
}

// Runs one connection; returns how many cycles it made.
std::size_t RunConnection(std::uint64_t seed, ContextPool& pool) {
  Random random(seed);
  constexpr std::size_t kQuotas[] = {1, 7, 300, 5000, 100'000};
  const std::size_t quota = kQuotas[random() % std::size(kQuotas)];
  const std::vector<Epoch> plan = Plan(random, pool, quota < 300 ? 200 : 3000);
  Party ends[2] = {Party(0, plan), Party(1, plan)};
  Transport wires[2] = {Transport(ends[0].session(), ends[1].session(), quota),
                        Transport(ends[1].session(), ends[0].session(), quota)};
  int idle = 0;
  while (!(ends[0].done() && ends[1].done()) && !testing::Test::HasFailure()) {
    bool moved = false;
    for (int i = 0; i < 8; ++i) {
      const unsigned end = random() % 2;
      switch (random() % 4) {
        case 0:
          moved |= ends[end].Send(random);
          break;
        case 1:
          moved |= ends[end].Receive(random);
          break;
        case 2:
          moved |= wires[end].Write(random);
          break;
        case 3:
          moved |= wires[end].Read(random);
          break;
      }
    }
    idle = moved ? 0 : idle + 1;
    if (idle > 1000) ADD_FAILURE() << "nothing moves";
  }
  EXPECT_FALSE(testing::Test::HasFailure()) << "DETACH_SEED=" << seed << " quota " << quota << "\n"
                                            << ends[0].Where() << "\n"
                                            << ends[1].Where();
  return plan.size();
}

std::uint64_t Environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

class Cycles : public testing::TestWithParam<int> {};

TEST_P(Cycles, KeepEveryByteInItsPlace) {
  ContextPool pool;
  const std::uint64_t cycles = Environment("DETACH_CYCLES", kDefaultCycles) / kShards;
  const std::uint64_t first_seed = static_cast<std::uint64_t>(GetParam()) << 32;
  std::uint64_t made = 0;
  std::uint64_t seed = first_seed;
  for (; made < cycles && !HasFailure(); ++seed) made += RunConnection(seed, pool);
  std::printf("%llu cycles, seeds %llu to %llu\n", static_cast<unsigned long long>(made),
              static_cast<unsigned long long>(first_seed),
              static_cast<unsigned long long>(seed - 1));
}

INSTANTIATE_TEST_SUITE_P(EveryPair, Cycles, testing::Range(0, kShards));

TEST(CyclesWithSeed, RepeatsOneConnection) {
  ContextPool pool;
  RunConnection(Environment("DETACH_SEED", 1), pool);
}

}  // namespace
}  // namespace detach
