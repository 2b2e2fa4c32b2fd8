#include "proxies/daemon/log_failures.h"

#include <exception>
#include <utility>

#include "proxies/log/log.h"

namespace detach {
namespace {

asio::awaitable<void> ServeOrLog(const Server::Handler& handler, Socket socket,
                                 Server::Place place) {
  try {
    co_await handler(std::move(socket), std::move(place));
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "connection_failed", {{"reason", error.what()}});
  }
}

}  // namespace

Server::Handler LogFailures(Server::Handler handler) {
  return [handler = std::move(handler)](Socket socket, Server::Place place) {
    return ServeOrLog(handler, std::move(socket), std::move(place));
  };
}

}  // namespace detach
