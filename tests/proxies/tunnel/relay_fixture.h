// A relay with peers at both ends of its tunnels.
#ifndef DETACH_TESTS_PROXIES_TUNNEL_RELAY_FIXTURE_H_
#define DETACH_TESTS_PROXIES_TUNNEL_RELAY_FIXTURE_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "proxies/tunnel/relay.h"
#include "tests/support/tcp_pair.h"

namespace detach {

// PatternByte is byte `offset` of the stream `stream`: a receiver knows what must come.
inline std::uint8_t PatternByte(std::uint64_t stream, std::uint64_t offset) {
  std::uint64_t mixed = (offset / 8 + 1) * 0x9e3779b97f4a7c15u + stream * 0xbf58476d1ce4e5b9u;
  mixed ^= mixed >> 29;
  return static_cast<std::uint8_t>(mixed >> (8 * (offset % 8)));
}

inline std::vector<std::uint8_t> Pattern(std::uint64_t stream, std::uint64_t begin,
                                         std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = PatternByte(stream, begin + i);
  return bytes;
}

// MatchesPattern reports whether `bytes` are the stream's from `begin` on.
inline bool MatchesPattern(std::span<const std::uint8_t> bytes, std::uint64_t stream,
                           std::uint64_t begin) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != PatternByte(stream, begin + i)) return false;
  }
  return true;
}

// What takes longer than this will never come: a test is to fail, not to hang.
constexpr std::chrono::seconds kPatience{10};

// Peer is one end of a tunnel, as the browser or the destination has it. Its calls block, no longer
// than kPatience.
class Peer {
 public:
  Peer() = default;
  explicit Peer(UniqueFd socket) : socket_(std::move(socket)) {
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
    EXPECT_EQ(0, ::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
    EXPECT_EQ(0, ::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)));
  }

  int fd() const { return socket_.get(); }

  void Send(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << std::strerror(errno);
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }
  void Send(std::string_view text) {
    Send(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  // SendPattern sends `size` bytes of `stream` and then FIN.
  void SendPatternAndFin(std::uint64_t stream, std::uint64_t size) {
    constexpr std::uint64_t kPiece = 100'000;
    for (std::uint64_t at = 0; at < size; at += kPiece) {
      Send(Pattern(stream, at, static_cast<std::size_t>(std::min(kPiece, size - at))));
    }
    Fin();
  }

  // ReceivePattern reads to the FIN, `piece` bytes at a time, and returns how many came; stops at
  // the first byte that is not the stream's.
  std::uint64_t ReceivePattern(std::uint64_t stream, std::size_t piece) {
    std::vector<std::uint8_t> buffer(piece);
    std::uint64_t received = 0;
    for (;;) {
      const ssize_t read = ::recv(fd(), buffer.data(), buffer.size(), 0);
      EXPECT_GE(read, 0) << std::strerror(errno);
      if (read <= 0) return received;
      const auto bytes = std::span(buffer).first(static_cast<std::size_t>(read));
      EXPECT_TRUE(MatchesPattern(bytes, stream, received)) << "near offset " << received;
      if (::testing::Test::HasFailure()) return received;
      received += bytes.size();
    }
  }

  std::string Receive(std::size_t size) {
    std::string text(size, '\0');
    const ssize_t read = ::recv(fd(), text.data(), size, MSG_WAITALL);
    EXPECT_GE(read, 0) << std::strerror(errno);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(read, 0)));
    return text;
  }

  void Fin() { ASSERT_EQ(0, ::shutdown(fd(), SHUT_WR)); }

  void Reset() {
    const linger abortive{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(0, ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &abortive, sizeof(abortive)));
    socket_.reset();
  }

  void Close() { socket_.reset(); }

  bool SeesFin() {
    char byte;
    return ::recv(fd(), &byte, 1, 0) == 0;
  }

  // SeesReset waits for the connection's end, and reports whether it was RST. A socket that has
  // both sent and received its FIN reports an RST only as EPOLLERR.
  bool SeesReset() {
    pollfd poller{.fd = fd(), .events = 0};
    if (::poll(&poller, 1, static_cast<int>(kPatience / std::chrono::milliseconds(1))) != 1)
      return false;
    return (poller.revents & POLLERR) != 0;
  }

 private:
  UniqueFd socket_;
};

// Ends collects what on_end reports, and on which thread.
class Ends {
 public:
  std::function<void(const TunnelEnd&)> Collector() {
    return [this](const TunnelEnd& end) {
      const std::lock_guard lock(mutex_);
      ends_.emplace_back(end, std::this_thread::get_id());
      changed_.notify_all();
    };
  }

  // Next waits for the next end.
  TunnelEnd Next() { return Take().first; }
  std::thread::id NextThread() { return Take().second; }

 private:
  std::pair<TunnelEnd, std::thread::id> Take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return !ends_.empty(); })) {
      ADD_FAILURE() << "no tunnel ends";
      return {};
    }
    const std::pair<TunnelEnd, std::thread::id> end = ends_.front();
    ends_.pop_front();
    return end;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<TunnelEnd, std::thread::id>> ends_;
};

// Peers are the ends beyond a tunnel's legs a and b.
struct Peers {
  Peer a;
  Peer b;
};

class RelayTest : public ::testing::Test {
 protected:
  // What a test changes of a tunnel before the relay gets it.
  using Change = std::function<void(RawTunnel&)>;

  void Start(RelayOptions options = {}) {
    Result<std::unique_ptr<Relay>> created = Relay::Create(std::move(options));
    ASSERT_TRUE(created.ok()) << created.status().message();
    relay_ = *std::move(created);
    ASSERT_TRUE(relay_->Start().ok());
  }

  // Before the members of derived tests go, which the relay may use.
  void TearDown() override { relay_.reset(); }

  // Open hands a tunnel to the relay and returns the peers of its legs a and b.
  Peers Open(std::uint64_t id = 1, const Change& change = {}, int buffer = 0) {
    TcpPair a = ConnectedPair(buffer);
    TcpPair b = ConnectedPair(buffer);
    RawTunnel tunnel;
    tunnel.id = id;
    tunnel.a = std::move(a.far);
    tunnel.b = std::move(b.near);
    tunnel.on_end = ends_.Collector();
    if (change) change(tunnel);
    relay_->Adopt(std::move(tunnel));
    return {Peer(std::move(a.near)), Peer(std::move(b.far))};
  }

  Ends ends_;  // outlives relay_
  std::unique_ptr<Relay> relay_;
};

}  // namespace detach

#endif  // DETACH_TESTS_PROXIES_TUNNEL_RELAY_FIXTURE_H_
