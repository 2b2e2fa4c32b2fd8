// The cover rule between two proxies, for whatever two hostile ends send and however it is delayed.
//
// The input is a list of steps: a byte of flags, two bytes of size (big endian), so many bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proxies/tunnel/inner_handshake_observer.h"
#include "tests/fuzz/fuzz_require.h"

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

enum Flag : std::uint8_t {
  kFromServer = 1,  // the step's bytes come from the server; else from the client
  kToClient = 2,    // then, bytes from one proxy to the other: towards the client
  kDeliverAll = 4,  // all of them; else half
};

// A record type, then a whole record header, at `raw`'s front, as far as there are bytes.
void RequireDataRecord(const Bytes& raw) {
  FUZZ_REQUIRE(raw.size() >= kRecordHeaderSize);
  FUZZ_REQUIRE(raw[0] == 0x17 && raw[1] == 3 && raw[2] == 3);
  FUZZ_REQUIRE((raw[3] << 8 | raw[4]) <= static_cast<int>(kMaxRecordBody));
}

struct Proxy {
  InnerHandshakeObserver observer;
  InnerHandshakeObserver bytewise;  // is given the same, byte by byte
};

// One direction: what its sending proxy does, and the wire to the receiving one.
class OneWay {
 public:
  OneWay(Direction direction, Proxy& sender, Proxy& receiver)
      : direction_(direction), sender_(sender), receiver_(receiver) {}

  void Send(std::span<const std::uint8_t> bytes) {
    if (detached_) return;
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    const auto cut = sender_.observer.Send(direction_, held_);
    FUZZ_REQUIRE(cut.covered <= held_.size());
    const auto end = held_.begin() + static_cast<std::ptrdiff_t>(cut.covered);
    SendBytewise(bytes, cut);
    wire_.insert(wire_.end(), held_.begin(), end);
    held_.erase(held_.begin(), end);
    detached_ = cut.detach;
    if (detached_) RequireDataRecord(held_);
    if (!detached_ && !held_.empty()) FUZZ_REQUIRE(held_.size() < 5 && held_[0] == 0x17);
    if (detached_ || !held_.empty()) FUZZ_REQUIRE(sender_.observer.armed(direction_));
  }

  void Deliver(bool all) {
    const std::size_t size = all ? wire_.size() : wire_.size() / 2;
    const auto end = wire_.begin() + static_cast<std::ptrdiff_t>(size);
    receiver_.observer.Receive(direction_, {wire_.begin(), end});
    for (const std::uint8_t byte : std::span(wire_).first(size)) {
      receiver_.bytewise.Receive(direction_, {&byte, 1});
    }
    arrived_ += size;
    wire_.erase(wire_.begin(), end);
    // The two ends agree, whatever has not yet come the other way.
    if (detached_ && wire_.empty()) FUZZ_REQUIRE(receiver_.observer.MayTurnRaw(direction_, 0x17));
  }

  std::size_t arrived() const { return arrived_; }

 private:
  // What the pieces are makes no difference.
  void SendBytewise(std::span<const std::uint8_t> bytes, InnerHandshakeObserver::Cut whole) {
    std::size_t covered = 0;
    bool detach = false;
    for (const std::uint8_t byte : bytes) {
      bytewise_held_.push_back(byte);
      const auto cut = sender_.bytewise.Send(direction_, bytewise_held_);
      covered += cut.covered;
      bytewise_held_.erase(bytewise_held_.begin(),
                           bytewise_held_.begin() + static_cast<std::ptrdiff_t>(cut.covered));
      detach = cut.detach;
      if (detach) break;
    }
    FUZZ_REQUIRE(covered == whole.covered && detach == whole.detach);
  }

  Direction direction_;
  Proxy& sender_;
  Proxy& receiver_;
  Bytes held_;
  Bytes bytewise_held_;
  Bytes wire_;  // covered bytes on their way
  std::size_t arrived_ = 0;
  bool detached_ = false;
};

// The shortest hellos there can be, records' and messages' headers included.
constexpr std::size_t kLeastServerHello = 5 + 4 + 2 + 32 + 1 + 2 + 1;
constexpr std::size_t kLeastClientHello = 5 + 4;

class Tunnel {
 public:
  void Step(std::uint8_t flags, std::span<const std::uint8_t> bytes) {
    (flags & kFromServer ? to_client_ : to_server_).Send(bytes);
    (flags & kToClient ? to_client_ : to_server_).Deliver(flags & kDeliverAll);
    if (to_client_.arrived() < kLeastServerHello) {
      FUZZ_REQUIRE(!client_proxy_.observer.armed(Direction::kClientToServer));
    }
    if (to_server_.arrived() < kLeastClientHello) {
      FUZZ_REQUIRE(!reverse_proxy_.observer.armed(Direction::kServerToClient));
    }
  }

 private:
  Proxy client_proxy_;
  Proxy reverse_proxy_;
  OneWay to_server_{Direction::kClientToServer, client_proxy_, reverse_proxy_};
  OneWay to_client_{Direction::kServerToClient, reverse_proxy_, client_proxy_};
};

}  // namespace
}  // namespace detach

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  detach::Tunnel tunnel;
  std::span<const std::uint8_t> input(data, size);
  while (input.size() >= 3) {
    const std::uint8_t flags = input[0];
    const std::size_t wanted = static_cast<std::size_t>(input[1] << 8 | input[2]);
    input = input.subspan(3);
    const auto bytes = input.first(std::min(wanted, input.size()));
    tunnel.Step(flags, bytes);
    input = input.subspan(bytes.size());
  }
  return 0;
}
