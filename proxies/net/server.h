// Server: listening sockets, a thread and an io_context per core, one coroutine a connection.
#ifndef DETACH_PROXIES_NET_SERVER_H_
#define DETACH_PROXIES_NET_SERVER_H_

#include <asio/awaitable.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "bio/status.h"
#include "proxies/net/async_io.h"

namespace detach {

// Server accepts on one socket per address and hands the connections to its threads in turn. A
// socket is shared, not opened by each thread with SO_REUSEPORT: so a port that is taken, by a
// second instance too, is an error at start (docs/DECISIONS.md).
class Server {
 public:
  // A connection's place among `max_connections`; given back when the last copy goes. What becomes
  // of the connection after the handler's end, a raw tunnel, keeps it.
  using Place = std::shared_ptr<void>;
  using Handler = std::function<asio::awaitable<void>(Socket, Place)>;

  // `threads`: 0 is one per processor. `max_connections`: more wait in the kernel's queue. Throws
  // std::system_error where there are too few descriptors for so many threads.
  Server(int threads, std::size_t max_connections, Handler handler);
  ~Server();

  // Listen binds `endpoint` and returns where: the port is chosen where it was 0. Before Start.
  Result<asio::ip::tcp::endpoint> Listen(const asio::ip::tcp::endpoint& endpoint);

  // Start begins to accept, on threads of its own. kInternal where there are no threads to be had.
  Status Start();

  // StopAccepting closes the listening sockets; connections go on. On any thread.
  void StopAccepting();

  // Stop ends the threads; what is still served is dropped. On the thread that called Start.
  void Stop();

  // connections returns how many places are taken.
  std::size_t connections() const noexcept { return *connections_; }

 private:
  struct Worker {
    // Asio opens what a context waits by with its first socket. Where there is no descriptor left
    // for that, it throws: now, and not when somebody connects.
    Worker() { const Socket first(context); }

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };

  asio::awaitable<void> Accept(asio::ip::tcp::acceptor& acceptor);
  Place TakePlace();
  Worker& NextWorker() { return *workers_[next_worker_++ % workers_.size()]; }

  const std::size_t max_connections_;
  const Handler handler_;
  // Shared: a place may outlive the server.
  std::shared_ptr<std::atomic<std::size_t>> connections_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<asio::ip::tcp::acceptor>> acceptors_;  // on the first worker
  std::size_t next_worker_ = 0;                                      // used by the first worker
};

}  // namespace detach

#endif  // DETACH_PROXIES_NET_SERVER_H_
