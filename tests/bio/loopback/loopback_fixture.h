// A DetachableSocket as the peer, a loopback pair, and a stock stack behind it.
#ifndef DETACH_TESTS_BIO_LOOPBACK_LOOPBACK_FIXTURE_H_
#define DETACH_TESTS_BIO_LOOPBACK_LOOPBACK_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bio/loopback/loopback_connection.h"
#include "bio/loopback/loopback_pair.h"
#include "bio/socket/detachable_socket.h"
#include "tests/bio/loopback/stock_stack.h"
#include "tests/bio/socket/socket_pair.h"
#include "tests/bio/socket/stock_libssl.h"
#include "tests/support/tcp_pair.h"

namespace detach {

// Nothing here takes so long, unless it never ends.
inline constexpr std::chrono::seconds kPatience{10};

// What joins the pair and the stack.
enum class Form { kSocketPair, kLoopback };

struct StackEnds {
  UniqueFd near;
  UniqueFd far;
};

inline StackEnds NewStackEnds(Form form) {
  if (form == Form::kSocketPair) {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
  Result<LoopbackConnection> made = ConnectLoopback(Deadline(kPatience));
  EXPECT_OK(made.status());
  return {std::move(made->near), std::move(made->far)};
}

// Pairing is one LoopbackPair at work, and the stack that it was given.
class Pairing {
 public:
  using Detached = LoopbackPair::Detached;

  Pairing(UniqueFd plain, Form form, const SslContext& context,
          const std::vector<std::uint8_t>& unread = {}, LoopbackLimits limits = {})
      : Pairing(std::move(plain), NewStackEnds(form), context, unread, limits) {}
  ~Pairing() { pair.Stop(); }

  // Waits for the end of Run.
  Result<std::optional<Detached>> Ran() {
    const bool over = running_.wait_for(kPatience) == std::future_status::ready;
    EXPECT_TRUE(over) << "Run goes on and on";
    if (!over) pair.Stop();
    return running_.get();
  }

  Detached RanToDetach() {
    Result<std::optional<Detached>> ran = Ran();
    EXPECT_OK(ran.status());
    if (!ran.ok() || !*ran) return {};
    return *std::move(*ran);
  }

 private:
  Pairing(UniqueFd plain, StackEnds ends, const SslContext& context,
          const std::vector<std::uint8_t>& unread, LoopbackLimits limits)
      : pair(std::move(plain), std::move(ends.near), unread, limits),
        stack(std::move(ends.far), context) {}

 public:
  LoopbackPair pair;
  StockStack stack;

 private:
  std::future<Result<std::optional<Detached>>> running_ =
      std::async(std::launch::async, [this] { return pair.Run(); });
};

// A raw connection: the peer's end, and the descriptor that the loopback pair is given.
struct PlainPair {
  explicit PlainPair(TcpPair ends = ConnectedPair())
      : wire(ends.near.get()), peer(std::move(ends.near)), plain(std::move(ends.far)) {
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
    EXPECT_EQ(setsockopt(plain.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  }

  int wire;  // the peer's descriptor, for whoever sits on the path
  DetachableSocket peer;
  UniqueFd plain;
};

}  // namespace detach

#endif  // DETACH_TESTS_BIO_LOOPBACK_LOOPBACK_FIXTURE_H_
