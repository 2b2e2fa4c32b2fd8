#include "proxies/tunnel/relay_lane.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace detach {
namespace {

using Need = RelayFlow::Need;

// How many reads a direction gets before it is another's turn.
constexpr int kRounds = 4;

// Bytes per second at which a tunnel belongs to the bulk lane, and below which it does not.
constexpr double kBulkRate = 4 * 1024 * 1024;
constexpr double kInteractiveRate = 1024 * 1024;

// The bulk lane naps each time it has moved this much (docs/DECISIONS.md, Relay).
constexpr std::uint64_t kNapBytes = 64 * 1024;
constexpr std::chrono::microseconds kNap{500};

TimerWheel::Tick TickOf(RelayClock::time_point time) {
  return static_cast<TimerWheel::Tick>(
      std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

// The time at which `tunnel` is over if nothing more moves; max() if it has no limit.
RelayClock::time_point Deadline(const RelayTunnel& tunnel) {
  RelayClock::time_point deadline = RelayClock::time_point::max();
  if (tunnel.idle_limit.count() > 0) deadline = tunnel.last_moved + tunnel.idle_limit;
  if (tunnel.lifetime_limit.count() > 0) {
    deadline = std::min(deadline, tunnel.adopted + tunnel.lifetime_limit);
  }
  return deadline;
}

bool LifetimeIsOver(const RelayTunnel& tunnel, RelayClock::time_point now) {
  return tunnel.lifetime_limit.count() > 0 && now - tunnel.adopted >= tunnel.lifetime_limit;
}

// The events that `side` of `tunnel` is to be watched for. EPOLLET beside nothing else: an error is
// reported, but once, and so is the EPOLLHUP of a socket that has seen both FINs and only waits for
// the other leg.
std::uint32_t EventsOf(const RelayTunnel& tunnel, std::size_t side) {
  std::uint32_t events = 0;
  if (tunnel.flows[side].need() == Need::kSource) events |= EPOLLIN;
  if (tunnel.flows[1 - side].need() == Need::kSink) events |= EPOLLOUT;
  return events != 0 ? events : static_cast<std::uint32_t>(EPOLLET);
}

}  // namespace

RelayLane::RelayLane(LaneName name, std::function<RelayClock::time_point()> clock, PipePool& pipes,
                     RelayExchange& exchange, std::atomic<std::size_t>& alive)
    : name_(name),
      clock_(std::move(clock)),
      exchange_(exchange),
      alive_(alive),
      scratch_(pipes),
      now_(clock_()),
      wheel_(TickOf(now_)) {}

Status RelayLane::Open() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (!epoll_.valid() ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, exchange_.wake_fd(name_), &event) != 0) {
    return Internal(std::string("cannot make an epoll set for the relay: ") + std::strerror(errno));
  }
  return {};
}

void RelayLane::Run() {
  std::array<epoll_event, 256> events;
  bool go_on = true;
  while (go_on) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   TimeoutMilliseconds());
    now_ = clock_();
    const std::size_t ready = static_cast<std::size_t>(std::max(count, 0));
    const bool called = Serve(std::span(events).first(ready));
    if (called) go_on = EmptyInbox();
    ExpireTimers();
    HandOver();
    Bury();
    if (name_ == LaneName::kBulk && moved_since_nap_ >= kNapBytes) Nap();
  }
  EndIf([](std::uint64_t) { return true; });
  Bury();
}

// One millisecond more than the time that is left: epoll must not wake up just before it.
int RelayLane::TimeoutMilliseconds() const {
  const std::optional<TimerWheel::Tick> next = wheel_.Next();
  if (!next) return -1;
  const auto left = std::chrono::seconds(*next) - clock_().time_since_epoch();
  const auto left_ms = std::chrono::floor<std::chrono::milliseconds>(left).count() + 1;
  return static_cast<int>(std::max<decltype(left_ms)>(left_ms, 0));
}

bool RelayLane::Serve(std::span<const epoll_event> events) {
  bool called = false;
  for (const epoll_event& event : events) {
    if (event.data.ptr == nullptr) {
      called = true;
    } else {
      HandleEvent(*static_cast<RelayTunnel::Leg*>(event.data.ptr), event.events);
    }
  }
  return called;
}

bool RelayLane::EmptyInbox() {
  RelayExchange::Inbox inbox = exchange_.Take(name_);
  for (std::unique_ptr<RelayTunnel>& tunnel : inbox.arrivals) TakeIn(std::move(tunnel));
  for (const std::shared_ptr<const TunnelPredicate>& predicate : inbox.ends) {
    EndIf(*predicate);
    exchange_.Ended();
  }
  return !inbox.stop;
}

void RelayLane::ExpireTimers() {
  for (TimerNode* node : wheel_.Advance(TickOf(now_))) {
    RelayTunnel& tunnel = *static_cast<RelayTunnel*>(node);
    if (Deadline(tunnel) > now_) {
      SetTimer(tunnel);
    } else {
      End(tunnel, LifetimeIsOver(tunnel, now_) ? TunnelEnding::kLifetime : TunnelEnding::kIdle);
    }
  }
}

void RelayLane::SetTimer(RelayTunnel& tunnel) {
  const RelayClock::time_point deadline = Deadline(tunnel);
  if (deadline == RelayClock::time_point::max()) return;
  const auto tick = std::chrono::ceil<std::chrono::seconds>(deadline.time_since_epoch()).count();
  wheel_.Set(tunnel, static_cast<TimerWheel::Tick>(tick));
}

void RelayLane::TakeIn(std::unique_ptr<RelayTunnel> taken) {
  RelayTunnel& tunnel = *taken;
  tunnel.place = tunnels_.size();
  tunnels_.push_back(std::move(taken));
  SetTimer(tunnel);
  for (const std::size_t side : {0, 1}) {
    if (!tunnel.ended && tunnel.flows[side].need() == Need::kSink) Pump(tunnel, side);
  }
  Settle(tunnel);
}

void RelayLane::HandleEvent(RelayTunnel::Leg& leg, std::uint32_t events) {
  RelayTunnel& tunnel = *leg.tunnel;
  if (tunnel.ended) return;
  const std::size_t side = &leg == &tunnel.legs[0] ? 0 : 1;
  if (events & EPOLLOUT) Pump(tunnel, 1 - side);
  if (tunnel.ended) return;
  if (tunnel.flows[side].need() == Need::kSource) {
    // An error too is fetched by reading: behind what was sent before it.
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) Pump(tunnel, side);
  } else if (events & EPOLLERR) {
    Reset(tunnel, side);
  }
  Settle(tunnel);
}

void RelayLane::Pump(RelayTunnel& tunnel, std::size_t side) {
  RelayFlow& flow = tunnel.flows[side];
  const std::uint64_t before = flow.count().bytes;
  const Need need = flow.Pump(tunnel.legs[side].socket.get(), tunnel.legs[1 - side].socket.get(),
                              scratch_, kRounds);
  Account(tunnel, flow.count().bytes - before);
  if (need == Need::kSourceFailed) Reset(tunnel, side);
  if (need == Need::kSinkFailed) Reset(tunnel, 1 - side);
}

void RelayLane::Account(RelayTunnel& tunnel, std::uint64_t moved) {
  if (moved == 0) return;
  tunnel.last_moved = now_;
  moved_since_nap_ += moved;
  const std::optional<double> rate = tunnel.rate.Add(moved, now_);
  if (!rate) return;
  if (*rate >= kBulkRate) tunnel.lane = LaneName::kBulk;
  if (*rate < kInteractiveRate) tunnel.lane = LaneName::kInteractive;
  if (tunnel.lane != name_) leaving_.push_back(&tunnel);
}

// Settle draws the consequences of what the flows now need.
void RelayLane::Settle(RelayTunnel& tunnel) {
  if (tunnel.ended) return;
  if (tunnel.flows[0].need() == Need::kFinished && tunnel.flows[1].need() == Need::kFinished) {
    End(tunnel, TunnelEnding::kClosed);
    return;
  }
  for (const std::size_t side : {0, 1}) {
    if (!Watch(tunnel.legs[side], EventsOf(tunnel, side))) {
      End(tunnel, TunnelEnding::kAborted);
      return;
    }
  }
}

bool RelayLane::Watch(RelayTunnel::Leg& leg, std::uint32_t events) {
  if (leg.watched == events) return true;
  epoll_event event{.events = events, .data = {.ptr = &leg}};
  const int operation = leg.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), operation, leg.socket.get(), &event) != 0) return false;
  leg.watched = events;
  return true;
}

// Unwatch is not left to close(): a child process between fork and exec may hold the socket open,
// and epoll would go on to name a leg that is gone.
void RelayLane::Unwatch(RelayTunnel& tunnel) {
  for (RelayTunnel::Leg& leg : tunnel.legs) {
    if (leg.watched == 0) continue;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, leg.socket.get(), nullptr);
    leg.watched = 0;
  }
}

// Reset ends the tunnel because legs[side] was reset or failed. What that leg had sent before still
// goes out, as far as the other takes it: a server that answers and closes with unread input resets
// the connection behind its answer.
void RelayLane::Reset(RelayTunnel& tunnel, std::size_t side) {
  tunnel.flows[side].Salvage(tunnel.legs[side].socket.get(), tunnel.legs[1 - side].socket.get(),
                             scratch_);
  End(tunnel, side == 0 ? TunnelEnding::kResetByA : TunnelEnding::kResetByB);
}

void RelayLane::End(RelayTunnel& tunnel, TunnelEnding how) {
  if (tunnel.ended) return;
  tunnel.ended = true;
  ended_.push_back(&tunnel);
  wheel_.Cancel(tunnel);
  Unwatch(tunnel);
  for (RelayFlow& flow : tunnel.flows) flow.Abandon(scratch_);
  tunnel.CloseSockets(how);
  --alive_;
  tunnel.Report(how, now_);
}

void RelayLane::EndIf(const TunnelPredicate& predicate) {
  for (const std::unique_ptr<RelayTunnel>& tunnel : tunnels_) {
    if (predicate(tunnel->id)) End(*tunnel, TunnelEnding::kAborted);
  }
}

std::unique_ptr<RelayTunnel> RelayLane::TakeOut(RelayTunnel& tunnel) {
  std::unique_ptr<RelayTunnel>& place = tunnels_[tunnel.place];
  std::swap(place, tunnels_.back());
  place->place = tunnel.place;
  std::unique_ptr<RelayTunnel> taken = std::move(tunnels_.back());
  tunnels_.pop_back();
  return taken;
}

void RelayLane::HandOver() {
  for (RelayTunnel* tunnel : leaving_) {
    if (tunnel->ended) continue;
    wheel_.Cancel(*tunnel);
    Unwatch(*tunnel);
    std::unique_ptr<RelayTunnel> taken = TakeOut(*tunnel);
    if (exchange_.Move(tunnel->lane, taken)) continue;
    taken->lane = name_;  // until the next window of its rate
    TakeIn(std::move(taken));
  }
  leaving_.clear();
}

// A nap keeps nobody waiting but tunnels that have just moved much.
void RelayLane::Nap() {
  std::this_thread::sleep_for(kNap);
  moved_since_nap_ = 0;
}

void RelayLane::Bury() {
  for (RelayTunnel* tunnel : ended_) (void)TakeOut(*tunnel);
  ended_.clear();
}

}  // namespace detach
