#include "proxies/tunnel/tls_leg.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "tests/support/scripted_backend.h"
#include "tests/support/tcp_pair.h"

namespace detach {
namespace {

void Fill(int socket) {
  const std::array<char, 4096> bytes = {};
  while (::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) continue;
}

// The peer takes nothing, and the answer to its "hello" would wait for that.
TEST(TlsLegTest, AHandshakeThatIsCancelledInAStepWaitsForNobody) {
  TcpPair pair = ConnectedPair(4096);
  const std::string hello = ScriptedRecord("hello");
  ASSERT_EQ(::send(pair.far.get(), hello.data(), hello.size(), 0),
            static_cast<ssize_t>(hello.size()));
  pollfd arrived = {.fd = pair.near.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&arrived, 1, -1), 1);
  Fill(pair.near.get());
  asio::io_context io;
  Socket socket(io);
  socket.assign(asio::ip::tcp::v4(), pair.near.release());
  ASSERT_TRUE(MakeNonBlocking(socket).ok());
  ThreadRoom room;
  TlsLeg leg(std::move(socket), &room);
  std::optional<Status> result;
  asio::co_spawn(io,
                 leg.Handshake(std::make_unique<ScriptedBackend>(
                     ScriptedBackend::Script{.role = Role::kServer},
                     std::make_shared<ScriptedBackend::Journal>())),
                 [&](const std::exception_ptr&, Status status) { result = std::move(status); });
  io.poll_one();  // as far as the step
  leg.Cancel();
  io.run_for(std::chrono::seconds(10));  // not to its end where that never comes
  ASSERT_TRUE(result);
  EXPECT_EQ(result->message(), "cancelled");
}

}  // namespace
}  // namespace detach
