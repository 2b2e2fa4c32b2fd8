#include "proxies/net/server.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

namespace detach {
namespace {

using asio::ip::tcp;

// How long accepting pauses when it cannot go on: no descriptors left, or too many connections. An
// accept that is tried again at once would spin (threat C7).
constexpr std::chrono::milliseconds kPause{50};

asio::awaitable<void> Serve(const Server::Handler& handler, Socket socket, Server::Place place) {
  if (MakeNonBlocking(socket).ok()) co_await handler(std::move(socket), std::move(place));
}

// The threads leave signals to the thread that waits for them.
std::thread StartWithoutSignals(asio::io_context& context) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([&context] { context.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

Server::Server(int threads, std::size_t max_connections, Handler handler)
    : max_connections_(max_connections), handler_(std::move(handler)) {
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  const unsigned count = threads > 0 ? static_cast<unsigned>(threads) : processors;
  for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<Worker>());
}

Server::~Server() { Stop(); }

Result<tcp::endpoint> Server::Listen(const tcp::endpoint& endpoint) {
  auto acceptor = std::make_unique<tcp::acceptor>(workers_[0]->context);
  asio::error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) ::fcntl(acceptor->native_handle(), F_SETFD, FD_CLOEXEC);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  // An IPv6 address means IPv6: [::] and 0.0.0.0 may stand side by side.
  if (!error && endpoint.address().is_v6()) {
    acceptor->set_option(asio::ip::v6_only(true), error);
  }
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(tcp::acceptor::max_listen_connections, error);
  const tcp::endpoint bound = error ? endpoint : acceptor->local_endpoint(error);
  if (error) return Transport(error.message());
  acceptors_.push_back(std::move(acceptor));
  return bound;
}

Status Server::Start() {
  try {
    for (const auto& worker : workers_) worker->thread = StartWithoutSignals(worker->context);
  } catch (const std::system_error& error) {
    return Internal(std::string("cannot start the threads that serve: ") + error.what());
  }
  for (const auto& acceptor : acceptors_) {
    asio::co_spawn(workers_[0]->context, Accept(*acceptor), asio::detached);
  }
  return {};
}

asio::awaitable<void> Server::Accept(tcp::acceptor& acceptor) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (acceptor.is_open()) {
    asio::error_code error;
    if (connections() < max_connections_) {
      Worker& worker = NextWorker();
      Socket socket(worker.context);
      co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (!error) {
        asio::co_spawn(worker.context, Serve(handler_, std::move(socket), TakePlace()),
                       asio::detached);
        continue;
      }
      if (error == asio::error::connection_aborted) continue;
    }
    pause.expires_after(kPause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

Server::Place Server::TakePlace() {
  ++*connections_;
  return {this, [count = connections_](void*) { --*count; }};
}

void Server::StopAccepting() {
  asio::post(workers_[0]->context, [this] {
    asio::error_code ignored;
    for (const auto& acceptor : acceptors_) acceptor->close(ignored);
  });
}

void Server::Stop() {
  for (const auto& worker : workers_) worker->context.stop();
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  acceptors_.clear();
  workers_.clear();
}

}  // namespace detach
