#include "proxies/net/async_io.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <utility>

#include "tests/support/tcp_pair.h"

namespace detach {
namespace {

// The two lie in the loop's queue together, the FIN first: with it the coroutine is gone.
TEST(LingeringCloseTest, ThePeersFinAndTheLimitMayComeAtTheSameMoment) {
  constexpr std::chrono::milliseconds kLimit{1};
  asio::io_context io;
  TcpPair pair = ConnectedPair();
  Socket socket(io);
  socket.assign(asio::ip::tcp::v4(), pair.near.release());
  ASSERT_TRUE(MakeNonBlocking(socket).ok());
  asio::co_spawn(io, LingeringClose(std::move(socket), kLimit), asio::detached);
  io.poll();
  const auto past_the_limit = std::chrono::steady_clock::now() + kLimit;
  pair.far.reset();
  while (std::chrono::steady_clock::now() <= past_the_limit) continue;
  io.restart();
  io.run();
}

}  // namespace
}  // namespace detach
