#include "proxies/net/dialer.h"

#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "proxies/net/name_lookup.h"
#include "proxies/net/stage_deadline.h"

namespace detach {
namespace {

using asio::ip::tcp;
using DialOutcome = std::variant<Socket, DialError>;

// Names with more addresses are not served better by trying them all (threat C3: answers are
// input).
constexpr std::size_t kMaxAddresses = 16;

std::string Text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace

asio::awaitable<DialOutcome> Dial(std::string host, std::uint16_t port, AddressFilter may_connect,
                                  std::chrono::milliseconds limit) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  NameLookup lookup(executor);
  Socket socket(executor);
  StageDeadline deadline(executor);
  deadline.Start("connect", limit, [&lookup, &socket] {
    lookup.Cancel();
    asio::error_code ignored;
    socket.close(ignored);
  });
  const auto timed_out = [&] {
    return DialError{DialFailure::kTimeout,
                     host + ": not connected within " + std::to_string(limit.count()) + " ms"};
  };

  const Result<std::vector<asio::ip::address>> found = co_await lookup.Run(host);
  if (deadline.passed()) co_return timed_out();
  if (!found.ok()) {
    co_return DialError{DialFailure::kName, host + ": " + found.status().message()};
  }

  asio::error_code error;
  std::string reason;
  DialFailure failure = DialFailure::kForbidden;
  std::size_t tried = 0;
  for (const asio::ip::address& address : *found) {
    if (++tried > kMaxAddresses) break;
    const tcp::endpoint endpoint(address, port);
    if (!may_connect(address)) {
      if (failure == DialFailure::kForbidden) reason = Text(endpoint) + " is not allowed";
      continue;
    }
    asio::error_code ignored;
    socket.close(ignored);
    co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (deadline.passed()) co_return timed_out();
    if (error) {
      failure = DialFailure::kUnreachable;
      reason = Text(endpoint) + ": " + error.message();
      continue;
    }
    if (const Status status = MakeNonBlocking(socket); !status.ok()) {
      co_return DialError{DialFailure::kUnreachable, status.message()};
    }
    deadline.Stop();
    co_return std::move(socket);
  }
  co_return DialError{failure, reason.empty() ? host + ": no address" : reason};
}

}  // namespace detach
