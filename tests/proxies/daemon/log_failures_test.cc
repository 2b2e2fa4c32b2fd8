#include "proxies/daemon/log_failures.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace detach {
namespace {

asio::awaitable<void> Fail(Socket /*socket*/, Server::Place /*place*/) {
  throw std::system_error(std::make_error_code(std::errc::too_many_files_open), "dup");
  co_return;
}

TEST(LogFailuresTest, WhatLeavesAConnectionIsLoggedAndItsPlaceGivenBack) {
  asio::io_context io;
  auto place = std::make_shared<int>();
  const std::weak_ptr<int> taken = place;
  const Server::Handler handler = LogFailures(Fail);
  std::exception_ptr left;
  ::testing::internal::CaptureStderr();
  asio::co_spawn(io, handler(Socket(io), std::move(place)),
                 [&left](std::exception_ptr failed) { left = std::move(failed); });
  io.run();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("level=error event=connection_failed reason=\"dup: Too many open files\""),
            std::string::npos)
      << log;
  EXPECT_FALSE(left);
  EXPECT_TRUE(taken.expired());
}

}  // namespace
}  // namespace detach
