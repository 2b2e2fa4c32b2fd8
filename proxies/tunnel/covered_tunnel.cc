#include "proxies/tunnel/covered_tunnel.h"

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <string>
#include <utility>

#include "bio/record/record_header.h"
#include "bio/socket/unique_fd.h"
#include "proxies/net/stage_deadline.h"
#include "proxies/tunnel/client_hello.h"
#include "proxies/tunnel/inner_handshake_observer.h"

namespace detach {
namespace {

using std::chrono::steady_clock;

// One record of the inner TLS, so that cover costs no more records than it has itself.
constexpr std::size_t kBufferSize = kMaxRecordSize;
// How many reads a direction gets before it is another connection's turn on this thread. Where both
// ends are faster than we encrypt, nothing else would make it wait.
constexpr int kReads = 16;
constexpr auto kApplicationData = static_cast<std::uint8_t>(ContentType::kApplicationData);

// What a direction is doing.
enum class Flow {
  kCovered,
  kOffered,  // kConnect, at the client proxy: our close_notify is out, the answer is awaited
  kRaw,
  kOver,  // its end was forwarded
};

// Two coroutines, one a direction, on one executor. `out_` flows from the plain leg to the outer,
// `in_` back. Each coroutine only ever waits for its own source or its own sink; when both
// directions have become raw, whoever sees it first wakes the other by cancelling its *source*, so
// that no write is ever cut short.
class CoveredTunnel {
 public:
  CoveredTunnel(TlsLeg& outer, Socket& plain, CoveredTunnelOptions options)
      : outer_(outer),
        plain_(plain),
        options_(std::move(options)),
        limits_deadline_(plain_.get_executor()),
        detach_deadline_(plain_.get_executor()) {}

  asio::awaitable<CoveredTunnelEnd> Run();

 private:
  asio::awaitable<void> RunOut();
  asio::awaitable<Status> OnPlainBytes(std::span<const std::uint8_t> bytes);
  asio::awaitable<Status> SendCovered(std::span<const std::uint8_t> bytes);
  asio::awaitable<Status> DetachBefore(std::span<const std::uint8_t> covered,
                                       std::span<const std::uint8_t> raw);
  asio::awaitable<Status> OnPlainEnd();
  asio::awaitable<Status> OfferConnect();

  asio::awaitable<void> RunIn();
  asio::awaitable<Status> OnTlsBytes(std::span<const std::uint8_t> bytes);
  asio::awaitable<Status> OnRawBytes(std::span<const std::uint8_t> bytes);
  asio::awaitable<Status> OnPeerDetached();

  bool done() const { return stopped_ || !failure_.ok(); }
  bool BothRaw() const { return out_ == Flow::kRaw && in_ == Flow::kRaw; }
  void Moved(std::uint64_t& counter, std::size_t size);
  void EndIn();
  void StopIfOver(Socket& other_source);
  void Fail(Status status);
  void WatchLimits();
  void SetResetOnClose(bool on);
  RawTunnel TakeRaw();
  CoveredTunnelEnd TakeEnd();

  Direction out_direction() const {
    return options_.side == Side::kClientProxy ? Direction::kClientToServer
                                               : Direction::kServerToClient;
  }
  Direction in_direction() const {
    return options_.side == Side::kClientProxy ? Direction::kServerToClient
                                               : Direction::kClientToServer;
  }
  bool covered_mode() const { return options_.agreed == DetachMode::kCovered; }
  // kConnect holds only while neither direction has carried anything, or ended.
  bool connect_open() const {
    return options_.agreed == DetachMode::kConnect && out_ == Flow::kCovered &&
           in_ == Flow::kCovered && out_traffic_.covered == 0 && in_traffic_.covered == 0;
  }

  TlsLeg& outer_;
  Socket& plain_;
  CoveredTunnelOptions options_;
  InnerHandshakeObserver observer_;
  Flow out_ = Flow::kCovered;
  Flow in_ = Flow::kCovered;
  Traffic out_traffic_;
  Traffic in_traffic_;
  Bytes
      held_;  // from the plain leg, not sent: a header that is not whole, or kConnect's first bytes
  Status failure_;
  bool stopped_ = false;
  steady_clock::time_point started_ = steady_clock::now();
  steady_clock::time_point last_moved_ = started_;
  StageDeadline limits_deadline_;
  StageDeadline detach_deadline_;
};

asio::awaitable<CoveredTunnelEnd> CoveredTunnel::Run() {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::steady_timer both_done(executor, asio::steady_timer::time_point::max());
  int running = 2;
  const auto finished = [this, &running, &both_done](const std::exception_ptr& thrown) {
    if (thrown) Fail(Internal("out of memory"));
    if (--running == 0) both_done.cancel();
  };
  WatchLimits();
  SetResetOnClose(true);
  asio::co_spawn(executor, RunOut(), finished);
  asio::co_spawn(executor, RunIn(), finished);
  if (options_.cut) options_.cut->SetCutter([this](const Status& why) { Fail(why); });
  asio::error_code cancelled;
  while (running > 0) {
    co_await both_done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  limits_deadline_.Stop();
  detach_deadline_.Stop();
  if (options_.cut) options_.cut->SetCutter(nullptr);
  co_return TakeEnd();
}

// --- from the plain leg to the outer ---

asio::awaitable<void> CoveredTunnel::RunOut() {
  std::array<std::uint8_t, kBufferSize> buffer;
  int reads = 0;
  while (!done() && (out_ == Flow::kCovered || out_ == Flow::kRaw)) {
    const Result<Received> received = TryReceive(plain_, buffer);
    Status status = received.status();
    if (status.ok() && received->arrival == Arrival::kNothing) {
      status = co_await WaitReadable(plain_);
      if (done() || out_ == Flow::kOver) co_return;
    } else if (status.ok() && received->arrival == Arrival::kEnd) {
      status = co_await OnPlainEnd();
    } else if (status.ok()) {
      status = co_await OnPlainBytes(std::span(buffer).first(received->size));
    }
    if (!status.ok()) co_return Fail(std::move(status));
    StopIfOver(outer_.socket());
    if (++reads % kReads == 0) co_await asio::post(plain_.get_executor(), asio::use_awaitable);
  }
}

asio::awaitable<Status> CoveredTunnel::OnPlainBytes(std::span<const std::uint8_t> bytes) {
  if (out_ == Flow::kRaw) {
    Moved(out_traffic_.raw, bytes.size());
    co_return co_await outer_.Write(bytes);
  }
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  if (options_.side == Side::kClientProxy && connect_open()) co_return co_await OfferConnect();
  const Bytes whole = std::exchange(held_, {});
  if (!covered_mode()) co_return co_await SendCovered(whole);

  const InnerHandshakeObserver::Cut cut = observer_.Send(out_direction(), whole);
  const std::span<const std::uint8_t> covered = std::span(whole).first(cut.covered);
  const std::span<const std::uint8_t> rest = std::span(whole).subspan(cut.covered);
  if (!cut.detach) {
    held_.assign(rest.begin(), rest.end());
    co_return co_await SendCovered(covered);
  }
  co_return co_await DetachBefore(covered, rest);
}

asio::awaitable<Status> CoveredTunnel::SendCovered(std::span<const std::uint8_t> bytes) {
  outer_.ForgetDetach();  // kConnect: who speaks first ends the offer
  Moved(out_traffic_.covered, bytes.size());
  co_return co_await outer_.Write(bytes);
}

// The last covered bytes, close_notify and the first raw record leave in one sendmsg: all of it
// fits into the session's output once that is empty (an answer to a KeyUpdate may wait in it), and
// nothing suspends before it is there.
asio::awaitable<Status> CoveredTunnel::DetachBefore(std::span<const std::uint8_t> covered,
                                                    std::span<const std::uint8_t> raw) {
  TlsSession& session = outer_.session();
  if (const Status status = co_await outer_.Flush(); !status.ok()) co_return status;
  if (!covered.empty()) {
    Moved(out_traffic_.covered, covered.size());
    if (const Result<std::size_t> taken = session.Write(covered); !taken.ok()) {
      co_return taken.status();
    }
  }
  if (const Status status = outer_.Detach(); !status.ok()) co_return status;
  out_ = Flow::kRaw;
  Moved(out_traffic_.raw, raw.size());
  co_return co_await outer_.Write(raw);
}

// close_notify and FIN: the authenticated end of what went under cover. Raw: a FIN as on any TCP.
asio::awaitable<Status> CoveredTunnel::OnPlainEnd() {
  // The reverse proxy would take this close_notify for an offer, and go raw with what is no TLS.
  if (options_.side == Side::kClientProxy && connect_open() && held_.empty()) {
    co_return Transport("the browser left without a byte");
  }
  if (out_ == Flow::kCovered) {
    const Bytes held = std::exchange(held_, {});
    if (const Status status = co_await SendCovered(held); !status.ok()) co_return status;
    if (outer_.sending() == Sending::kTls) {
      if (const Status status = outer_.Detach(); !status.ok()) co_return status;
    }
  }
  out_ = Flow::kOver;
  const Status flushed = co_await outer_.Flush();
  if (flushed.ok()) SendFin(outer_.socket());
  co_return flushed;
}

// when=connect: if the browser begins with a ClientHello, our close_notify is the offer. Its bytes
// wait until the answer has come; then they are the first raw ones.
asio::awaitable<Status> CoveredTunnel::OfferConnect() {
  const std::optional<bool> client_hello = BeginsWithClientHello(held_);
  if (!client_hello) co_return Status();
  if (*client_hello) {
    if (const Status status = outer_.Detach(); !status.ok()) co_return status;
    out_ = Flow::kOffered;
    detach_deadline_.Start("answer to close_notify", options_.limits.detach, [this] {
      Fail(Transport("detach: no close_notify came back within " +
                     std::to_string(options_.limits.detach.count()) + " ms"));
    });
    co_return co_await outer_.Flush();
  }
  const Bytes held = std::exchange(held_, {});
  co_return co_await SendCovered(held);
}

// --- from the outer leg to the plain ---

asio::awaitable<void> CoveredTunnel::RunIn() {
  if (!options_.early.empty()) {
    if (Status status = co_await OnTlsBytes(options_.early); !status.ok()) {
      co_return Fail(std::move(status));
    }
  }
  std::array<std::uint8_t, kBufferSize> buffer;
  int reads = 0;
  while (!done() && !BothRaw()) {
    const Result<ReadResult> read = outer_.TryRead(buffer);
    if (!read.ok()) co_return Fail(read.status());
    const std::span<const std::uint8_t> bytes = std::span(buffer).first(read->size);
    Status status;
    if (read->event == ReadEvent::kWantInput) {
      status = co_await WaitReadable(outer_.socket());
      if (done()) co_return;
    } else if (read->event == ReadEvent::kEnd) {
      EndIn();
    } else if (read->event == ReadEvent::kPeerDetached) {
      status = co_await OnPeerDetached();
    } else if (read->origin == Origin::kTls) {
      status = co_await OnTlsBytes(bytes);
    } else {
      status = co_await OnRawBytes(bytes);
    }
    if (!status.ok()) co_return Fail(std::move(status));
    StopIfOver(plain_);
    if (read->event == ReadEvent::kEnd) co_return;
    if (++reads % kReads == 0) co_await asio::post(plain_.get_executor(), asio::use_awaitable);
  }
}

asio::awaitable<Status> CoveredTunnel::OnTlsBytes(std::span<const std::uint8_t> bytes) {
  if (out_ == Flow::kOffered) {
    co_return Violation("the destination spoke first while the tunnel was being detached");
  }
  if (covered_mode()) observer_.Receive(in_direction(), bytes);
  Moved(in_traffic_.covered, bytes.size());
  co_return co_await SendAll(plain_, bytes);
}

// Behind close_notify: raw only where our own view of the inner stream says so (docs/PROTOCOL.md).
// Else somebody on the path appended them, and not one of them goes on.
asio::awaitable<Status> CoveredTunnel::OnRawBytes(std::span<const std::uint8_t> bytes) {
  if (in_ == Flow::kCovered && covered_mode() && observer_.MayTurnRaw(in_direction(), bytes[0])) {
    in_ = Flow::kRaw;
  }
  if (in_ != Flow::kRaw) {
    co_return Violation("bytes behind close_notify where the tunnel may not be raw");
  }
  Moved(in_traffic_.raw, bytes.size());
  co_return co_await SendAll(plain_, bytes);
}

asio::awaitable<Status> CoveredTunnel::OnPeerDetached() {
  if (out_ == Flow::kOffered) {  // the answer
    detach_deadline_.Stop();
    out_ = in_ = Flow::kRaw;
    co_return Status();
  }
  if (options_.side == Side::kReverseProxy && connect_open()) {
    if (const Status status = outer_.Detach(); !status.ok()) co_return status;
    out_ = in_ = Flow::kRaw;
    co_return co_await outer_.Flush();
  }
  // Raw bytes may follow only where the direction is armed; else this is the end of the data.
  if (!covered_mode() || !observer_.MayTurnRaw(in_direction(), kApplicationData)) EndIn();
  if (outer_.sending() == Sending::kClosing && out_ == Flow::kCovered) {
    // RFC 5246 §7.2.1: TLS 1.2 ends both directions at once. What the plain leg still has is lost.
    out_ = Flow::kOver;
    SendFin(outer_.socket());
  }
  co_return Status();
}

// --- both ---

void CoveredTunnel::Moved(std::uint64_t& counter, std::size_t size) {
  counter += size;
  last_moved_ = steady_clock::now();
}

void CoveredTunnel::EndIn() {
  if (in_ == Flow::kOver) return;
  in_ = Flow::kOver;
  SendFin(plain_);
}

void CoveredTunnel::StopIfOver(Socket& other_source) {
  if (!BothRaw() && !(out_ == Flow::kOver && in_ == Flow::kOver)) return;
  stopped_ = true;
  asio::error_code ignored;
  other_source.cancel(ignored);
}

void CoveredTunnel::Fail(Status status) {
  if (!failure_.ok()) return;
  failure_ = std::move(status);
  asio::error_code ignored;
  plain_.cancel(ignored);
  outer_.socket().cancel(ignored);
}

// One timer for both limits, set anew only when it strikes: moving bytes costs no timer.
void CoveredTunnel::WatchLimits() {
  const auto idle_at = last_moved_ + options_.limits.idle;
  const auto end_at = started_ + options_.limits.lifetime;
  const steady_clock::time_point now = steady_clock::now();
  if (now >= idle_at) return Fail(Transport("idle limit reached"));
  if (now >= end_at) return Fail(Transport("lifetime limit reached"));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(idle_at, end_at) - now);
  limits_deadline_.Start("limits", left, [this] {
    if (!done()) WatchLimits();
  });
}

// While bytes are under way a leg may close in one orderly manner only: by its FIN. A program that
// is stopped or killed must not let its inner ends believe that what they have is all there was.
void CoveredTunnel::SetResetOnClose(bool on) {
  detach::SetResetOnClose(outer_.socket(), on);
  detach::SetResetOnClose(plain_, on);
}

CoveredTunnelEnd CoveredTunnel::TakeEnd() {
  CoveredTunnelEnd end;
  end.status = failure_;
  const bool up_is_out = options_.side == Side::kClientProxy;
  end.up = up_is_out ? out_traffic_ : in_traffic_;
  end.down = up_is_out ? in_traffic_ : out_traffic_;
  if (!failure_.ok()) {
    Reset(outer_.socket());
    Reset(plain_);
    return end;
  }
  SetResetOnClose(false);
  if (BothRaw()) end.raw = TakeRaw();
  return end;
}

RawTunnel CoveredTunnel::TakeRaw() {
  RawTunnel raw;
  TlsSession& session = outer_.session();
  std::array<std::uint8_t, 4096> buffer;
  while (true) {
    const Result<ReadResult> read = session.Read(buffer);
    if (!read.ok() || read->event != ReadEvent::kBytes) break;
    Bytes& leftover = raw.a_to_b.leftover;
    leftover.insert(leftover.end(), buffer.begin(), buffer.begin() + read->size);
  }
  raw.b_to_a.leftover.assign(session.Output().begin(), session.Output().end());
  raw.b_to_a.leftover.insert(raw.b_to_a.leftover.end(), held_.begin(), held_.end());
  raw.a_to_b.bytes = in_traffic_.raw;
  raw.b_to_a.bytes = out_traffic_.raw;
  raw.a = UniqueFd(outer_.socket().release());
  raw.b = UniqueFd(plain_.release());
  return raw;
}

}  // namespace

asio::awaitable<CoveredTunnelEnd> RunCoveredTunnel(TlsLeg& outer, Socket& plain,
                                                   CoveredTunnelOptions options) {
  CoveredTunnel tunnel(outer, plain, std::move(options));
  co_return co_await tunnel.Run();
}

}  // namespace detach
