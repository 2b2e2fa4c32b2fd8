#include "proxies/tunnel/loopback_pairing.h"

#include <sys/eventfd.h>

#include <cassert>
#include <exception>
#include <future>
#include <string>
#include <utility>

#include "bio/backend/openssl/openssl_backend.h"
#include "bio/loopback/loopback_connection.h"
#include "bio/socket/deadline.h"

namespace detach {
namespace {

// Nobody but other processes of this machine can delay them.
constexpr std::chrono::seconds kConnect{5};

UniqueFd NewNews() { return UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

}  // namespace

LoopbackPairing::LoopbackPairing(UniqueFd peer, std::unique_ptr<TlsBackend> tls,
                                 std::shared_ptr<const void> kept, std::chrono::milliseconds leave)
    : leave_(leave),
      kept_(std::move(kept)),
      tls_(std::move(tls)),
      established_news_(NewNews()),
      ended_news_(NewNews()),
      peer_(std::move(peer)) {}

// Both connections of the stack are of this process, and of nobody else's.
Status LoopbackPairing::Connect() {
  const Deadline deadline(kConnect);
  Result<LoopbackConnection> stack = ConnectLoopback(deadline);
  if (!stack.ok()) return stack.status();
  Result<LoopbackConnection> clear = ConnectLoopback(deadline);
  if (!clear.ok()) return clear.status();
  stack_ = std::move(stack->far);
  clear_ = std::move(clear->far);
  near_clear_ = std::move(clear->near);
  const std::lock_guard lock(mutex_);
  if (stopped_) return Transport("the connection was given up");
  pair_.emplace(std::move(peer_), std::move(stack->near), std::span<const std::uint8_t>(),
                LoopbackLimits{.leave = leave_});
  return {};
}

void LoopbackPairing::Run() {
  Result<std::optional<Detached>> end = std::optional<Detached>();
  try {
    if (Status status = Connect(); !status.ok()) {
      end = status;
    } else {
      std::future moving = std::async(std::launch::async, [this] { return pair_->Run(); });
      StockTlsServer server(UnderlyingSsl(*tls_), std::move(stack_), std::move(clear_));
      Serve(server);
      end = moving.get();
    }
  } catch (const std::exception& error) {
    end = Internal(error.what());
  }
  const std::lock_guard lock(mutex_);
  if (!answer_) {
    answer_.emplace(end.ok() ? Transport("the connection ended") : end.status());
    (void)eventfd_write(established_news_.get(), 1);
  }
  end_.emplace(std::move(end));
  (void)eventfd_write(ended_news_.get(), 1);
}

void LoopbackPairing::Serve(StockTlsServer& server) {
  const Status status = server.Handshake();
  Result<HandshakeSummary> summary = status.ok() ? tls_->Summary() : status;
  {
    const std::lock_guard lock(mutex_);
    if (summary.ok()) {
      answer_.emplace(Established{std::move(near_clear_), *std::move(summary), *tls_});
      // A stack that is left loses both directions at once.
      (*answer_)->connection.half_detach = false;
    } else {
      answer_.emplace(summary.status());
    }
    (void)eventfd_write(established_news_.get(), 1);
  }
  if (status.ok()) server.Serve();
}

void LoopbackPairing::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (pair_) pair_->Stop();
}

void LoopbackPairing::Abandon() {
  const std::lock_guard lock(mutex_);
  if (pair_) pair_->Abandon();
}

Result<LoopbackPairing::Established> LoopbackPairing::TakeEstablished() {
  const std::lock_guard lock(mutex_);
  assert(answer_);
  return *std::move(answer_);
}

Result<std::optional<LoopbackPairing::Detached>> LoopbackPairing::TakeEnd() {
  const std::lock_guard lock(mutex_);
  assert(end_);
  return *std::move(end_);
}

}  // namespace detach
