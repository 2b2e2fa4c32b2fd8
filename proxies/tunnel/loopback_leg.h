// LoopbackLeg: a leg whose TLS is done by a stack that knows nothing of detaching.
#ifndef DETACH_PROXIES_TUNNEL_LOOPBACK_LEG_H_
#define DETACH_PROXIES_TUNNEL_LOOPBACK_LEG_H_

#include <asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "proxies/tunnel/loopback_pairing.h"
#include "proxies/tunnel/thread_room.h"
#include "proxies/tunnel/tls_leg.h"

namespace detach {

// LoopbackLeg is a server's TlsLeg for mode "connect". While it is under TLS its socket is the
// clear side, and its session raw, with nothing to do: the ends, errors and resets of the clear
// side are those of TLS. When both directions have been left, its socket is the peer's.
class LoopbackLeg final : public TlsLeg {
 public:
  // `room` outlives this. `kept` stays as long as threads do, which may be longer than the leg:
  // what the backend that Handshake is given needs to live. `leave`: how long a detach may take.
  LoopbackLeg(Socket socket, ThreadRoom& room, std::shared_ptr<const void> kept,
              std::chrono::milliseconds leave);
  ~LoopbackLeg() override;

  asio::awaitable<Status> Handshake(std::unique_ptr<TlsBackend> backend) override;
  void Cancel() override;
  Result<ReadResult> TryRead(std::span<std::uint8_t> bytes) override;
  asio::awaitable<Status> Flush() override;
  Status ExpectDetach() override;
  void ForgetDetach() override;
  Status Detach() override;
  Sending sending() const override;
  Result<HandshakeSummary> Summary() const override;
  OuterConnection outer_connection() const override;

 private:
  enum class Phase {
    kPlain,  // before the handshake
    kTls,
    kLeaving,  // both ends have left; what is written waits until the stack has closed
    kRaw,
    kOver,  // the handshake failed: the alert is on its way, and the pairing ends by itself
  };

  Result<ReadResult> PeerLeft();
  asio::awaitable<Status> AwaitRaw();
  Status BecomeRaw();

  ThreadRoom& room_;
  const std::shared_ptr<const void> kept_;
  const std::chrono::milliseconds leave_;
  std::shared_ptr<LoopbackPairing> pairing_;
  std::optional<HandshakeSummary> summary_;
  std::optional<OuterConnection> connection_;
  Phase phase_ = Phase::kPlain;
  bool expecting_ = false;  // the peer may leave, and has not
  bool peer_left_ = false;  // by close_notify
  bool closed_ = false;     // Detach was called
  Status failure_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_LOOPBACK_LEG_H_
