// One connection whose TLS is done by a stock server of this process, in threads of its own.
#ifndef DETACH_PROXIES_TUNNEL_LOOPBACK_PAIRING_H_
#define DETACH_PROXIES_TUNNEL_LOOPBACK_PAIRING_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "bio/backend/tls_backend.h"
#include "bio/loopback/loopback_pair.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "proxies/tunnel/detach_agreement.h"
#include "proxies/tunnel/stock_tls_server.h"
#include "proxies/tunnel/thread_room.h"

namespace detach {

// LoopbackPairing joins a peer's connection, by a loopback pair, to a StockTlsServer, and that to a
// clear side. Its members other than Run may be called on any thread. News come by descriptors that
// become readable and stay so: whoever waits needs nothing of the thread that brings them.
class LoopbackPairing final : public ThreadRoom::Work {
 public:
  using Detached = LoopbackPair::Detached;

  struct Established {
    UniqueFd clear;  // the near end of the clear side
    HandshakeSummary summary;
    OuterConnection connection;
  };

  // `tls` is a backend of OpenSSL that has not begun; `kept` stays as long as this. `leave`: see
  // LoopbackLimits.
  LoopbackPairing(UniqueFd peer, std::unique_ptr<TlsBackend> tls, std::shared_ptr<const void> kept,
                  std::chrono::milliseconds leave);

  void Run() override;
  void Stop() override;

  // Abandon: see LoopbackPair; for a leg that goes.
  void Abandon();

  // established becomes readable when TakeEstablished has an answer, ended when TakeEnd has.
  int established() const noexcept { return established_news_.get(); }
  int ended() const noexcept { return ended_news_.get(); }
  Result<Established> TakeEstablished();
  // Nullopt: the connection ended under TLS.
  Result<std::optional<Detached>> TakeEnd();

  // See LoopbackPair. Precondition: TakeEstablished was ok.
  Status ExpectDetach() { return pair_->ExpectDetach(); }
  Status ForgetDetach() { return pair_->ForgetDetach(); }
  Status Decide(Verdict verdict) { return pair_->Decide(verdict); }

 private:
  Status Connect();
  void Serve(StockTlsServer& server);

  const std::chrono::milliseconds leave_;
  const std::shared_ptr<const void> kept_;
  const std::unique_ptr<TlsBackend> tls_;
  const UniqueFd established_news_;
  const UniqueFd ended_news_;
  UniqueFd peer_;   // until there is pair_
  UniqueFd stack_;  // the stack's ends of the two connections
  UniqueFd clear_;
  UniqueFd near_clear_;  // and ours of the clear side
  std::mutex mutex_;
  // All below under mutex_; pair_ is there for good once established.
  std::optional<LoopbackPair> pair_;
  bool stopped_ = false;
  std::optional<Result<Established>> answer_;
  std::optional<Result<std::optional<Detached>>> end_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_LOOPBACK_PAIRING_H_
