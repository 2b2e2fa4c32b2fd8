#include "proxies/tunnel/relay.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

#include <string>
#include <system_error>
#include <utility>

namespace detach {
namespace {

// Without TCP_NODELAY a message that was sent at once would wait here for the ACK of the one
// before.
void Prepare(int socket) {
  (void)::fcntl(socket, F_SETFL, O_NONBLOCK);
  const int on = 1;
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// SignalsBlocked blocks every signal for the calling thread, so that threads started meanwhile are
// born with them blocked.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Relay::Relay(RelayOptions options)
    : options_(std::move(options)),
      pipes_(options_.max_pipes),
      lanes_{RelayLane(LaneName::kInteractive, options_.clock, pipes_, exchange_, alive_),
             RelayLane(LaneName::kBulk, options_.clock, pipes_, exchange_, alive_)} {}

Relay::~Relay() { Shutdown(); }

Result<std::unique_ptr<Relay>> Relay::Create(RelayOptions options) {
  std::unique_ptr<Relay> relay(new Relay(std::move(options)));
  if (Status status = relay->Open(); !status.ok()) return status;
  return relay;
}

Status Relay::Open() {
  if (Status status = exchange_.Open(); !status.ok()) return status;
  for (RelayLane& lane : lanes_) {
    if (Status status = lane.Open(); !status.ok()) return status;
  }
  return {};
}

Status Relay::Start() {
  const SignalsBlocked blocked;
  try {
    for (RelayLane& lane : lanes_) threads_.emplace_back([&lane] { lane.Run(); });
  } catch (const std::system_error& error) {
    return Internal(std::string("cannot start the relay's threads: ") + error.what());
  }
  return {};
}

void Relay::Adopt(RawTunnel raw) {
  Prepare(raw.a.get());
  Prepare(raw.b.get());
  auto tunnel = std::make_unique<RelayTunnel>(std::move(raw), options_.clock());
  ++alive_;
  if (exchange_.Send(LaneName::kInteractive, tunnel)) return;
  tunnel->CloseSockets(TunnelEnding::kAborted);
  --alive_;
  tunnel->Report(TunnelEnding::kAborted, options_.clock());
}

void Relay::EndIf(TunnelPredicate predicate) { exchange_.End(std::move(predicate)); }

void Relay::Shutdown() {
  exchange_.Stop();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace detach
