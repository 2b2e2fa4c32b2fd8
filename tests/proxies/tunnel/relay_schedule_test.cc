// Random schedules of sending, reading, FIN and RST against a model. A failure prints its seed.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxies/tunnel/relay.h"
#include "tests/proxies/tunnel/relay_fixture.h"

namespace detach {
namespace {

using Random = std::mt19937_64;

std::uint64_t Pick(Random& random, std::uint64_t least, std::uint64_t most) {
  return std::uniform_int_distribution<std::uint64_t>(least, most)(random);
}

// PickSize prefers the ends of the range that the relay treats differently.
std::size_t PickSize(Random& random) {
  constexpr std::array<std::size_t, 5> kMost = {1, 100, 4096, 16 * 1024, 300'000};
  return Pick(random, 1, kMost[Pick(random, 0, kMost.size() - 1)]);
}

// Side is one end of a modelled tunnel. What it sends is the pattern `stream`.
struct Side {
  Peer peer;
  std::uint64_t stream = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool fin = false;    // sent
  bool reset = false;  // sent
  bool over = false;   // nothing more will be received
};

// ModelTunnel knows what each side has sent, and so what the other may receive.
class ModelTunnel {
 public:
  ModelTunnel(Random& random, std::uint64_t id) : id_(id) {
    for (Side* side : {&sides_[0], &sides_[1]}) {
      side->stream = 2 * id + (side == &sides_[1]);
      if (Pick(random, 0, 1) == 0) side->sent = PickSize(random);
    }
    constexpr std::array<int, 3> kBuffers = {0, 8 * 1024, 64 * 1024};
    buffer_ = kBuffers[Pick(random, 0, kBuffers.size() - 1)];
  }

  std::uint64_t id() const { return id_; }
  int buffer() const { return buffer_; }
  bool over() const { return sides_[0].over && sides_[1].over; }

  // HandOver puts the leftovers into the tunnel.
  void HandOver(RawTunnel& raw) const {
    raw.a_to_b.leftover = Pattern(sides_[0].stream, 0, sides_[0].sent);
    raw.b_to_a.leftover = Pattern(sides_[1].stream, 0, sides_[1].sent);
  }

  void SetPeers(Peers peers) {
    sides_[0].peer = std::move(peers.a);
    sides_[1].peer = std::move(peers.b);
  }

  void Step(Random& random) {
    const std::size_t which = Pick(random, 0, 1);
    const std::uint64_t dice = Pick(random, 0, 999);
    if (dice < 500) {
      Send(sides_[which], PickSize(random));
    } else if (dice < 985) {
      Receive(which, PickSize(random));
    } else if (dice < 998) {
      Fin(sides_[which]);
    } else {
      Reset(sides_[which]);
    }
  }

  // Finish ends what is still open and reads what is still to come.
  void Finish() {
    for (Side& side : sides_) Fin(side);
    for (const std::size_t which : {0, 1}) Receive(which, 300'000);
  }

  // Accepts reports whether the tunnel may have ended so.
  bool Accepts(TunnelEnding how) const {
    const bool both_fins = sides_[0].fin && sides_[1].fin;
    if (how == TunnelEnding::kClosed) return both_fins;
    if (how == TunnelEnding::kResetByA) return sides_[0].reset;
    return how == TunnelEnding::kResetByB && sides_[1].reset;
  }

 private:
  bool doomed() const { return sides_[0].reset || sides_[1].reset; }

  void Send(Side& side, std::size_t size) {
    if (side.fin || side.reset) return;
    const std::vector<std::uint8_t> bytes = Pattern(side.stream, side.sent, size);
    const ssize_t sent =
        ::send(side.peer.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) side.sent += static_cast<std::uint64_t>(sent);
    if (sent < 0 && errno != EAGAIN) {
      EXPECT_TRUE(doomed()) << std::strerror(errno);
      side.over = true;  // Linux reports the error once, and EOF after it
    }
  }

  void Receive(std::size_t which, std::size_t size) {
    Side& side = sides_[which];
    if (side.over) return;
    std::vector<std::uint8_t> buffer(size);
    const ssize_t read = ::recv(side.peer.fd(), buffer.data(), size, MSG_DONTWAIT);
    if (read > 0) {
      Check(side, sides_[1 - which], std::span(buffer).first(static_cast<std::size_t>(read)));
    } else if (read == 0) {
      // The rule of rules: EOF is what the sender meant, never what became of a cut tunnel.
      EXPECT_TRUE(sides_[1 - which].fin);
      EXPECT_EQ(sides_[1 - which].sent, side.received);
      side.over = true;
    } else if (errno != EAGAIN) {
      EXPECT_TRUE(doomed()) << std::strerror(errno);
      side.over = true;
    }
  }

  static void Check(Side& side, const Side& sender, std::span<const std::uint8_t> bytes) {
    EXPECT_TRUE(MatchesPattern(bytes, sender.stream, side.received));
    side.received += bytes.size();
    EXPECT_LE(side.received, sender.sent);
  }

  static void Fin(Side& side) {
    if (side.fin || side.reset) return;
    (void)::shutdown(side.peer.fd(), SHUT_WR);
    side.fin = true;
  }

  static void Reset(Side& side) {
    if (side.reset) return;
    side.peer.Reset();
    side.reset = side.over = true;
  }

  const std::uint64_t id_;
  int buffer_ = 0;
  std::array<Side, 2> sides_;
};

class RelayScheduleTest : public RelayTest {
 protected:
  void Run(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::vector<std::unique_ptr<ModelTunnel>> tunnels;
    for (std::uint64_t id = 0; id < 6; ++id) {
      tunnels.push_back(std::make_unique<ModelTunnel>(random, id));
      ModelTunnel& model = *tunnels.back();
      model.SetPeers(Open(
          id, [&](RawTunnel& raw) { model.HandOver(raw); }, model.buffer()));
    }
    for (int step = 0; step < 2000 && !HasFailure(); ++step) {
      now_ += static_cast<std::int64_t>(Pick(random, 0, 20));  // the lanes change hands
      tunnels[Pick(random, 0, tunnels.size() - 1)]->Step(random);
    }
    for (const auto& model : tunnels) {
      while (!model->over() && !HasFailure()) model->Finish();
    }
    for (std::size_t i = 0; i < tunnels.size() && !HasFailure(); ++i) {
      const TunnelEnd end = ends_.Next();
      EXPECT_TRUE(tunnels[end.id]->Accepts(end.how))
          << "tunnel " << end.id << " ended " << static_cast<int>(end.how);
    }
  }

  std::atomic<std::int64_t> now_ = 1'000'000;  // milliseconds
};

TEST_F(RelayScheduleTest, NoScheduleLosesOrInventsAByteOrAnEnd) {
  Start({.max_pipes = 4,
         .clock = [this] { return RelayClock::time_point(std::chrono::milliseconds(now_)); }});
  const std::uint64_t first = std::random_device()();
  for (std::uint64_t seed = first; seed < first + 15 && !HasFailure(); ++seed) Run(seed);
}

}  // namespace
}  // namespace detach
