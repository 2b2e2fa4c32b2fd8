// What the relay costs: CPU per GiB of bulk and per round trip, spliced and copied, run in turns so
// that both meet the same machine; and user memory per idle tunnel.
//
//   bazel run -c opt //tests/bench:relay_bench
//
// Compare the two within one run only: the busier the rest of the machine is, the more is waiting
// at each wake-up, and the less a byte costs. Loopback charges the receiver's TCP work to the
// sender.
#include <malloc.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxies/tunnel/relay.h"
#include "tests/support/tcp_pair.h"

namespace detach {
namespace {

constexpr int kStreams = 16;
constexpr std::uint64_t kBytesPerStream = 64 * 1024 * 1024;
constexpr int kRoundTrips = 20'000;
constexpr int kRepetitions = 3;
constexpr int kIdleTunnels = 2000;

// Ends are the far ends of a tunnel's two legs.
struct Ends {
  UniqueFd a;
  UniqueFd b;
};

double CpuSeconds() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// EnterOwnNetwork leaves the machine's network for one with nothing but lo, without privileges,
// where reno is the default: bbr paces loopback by timers, and halves what is waiting at each
// wake-up.
bool EnterOwnNetwork() {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  ifreq loopback = {};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM, 0));
  if (::ioctl(any.get(), SIOCSIFFLAGS, &loopback) != 0) return false;
  std::ofstream default_control("/proc/sys/net/ipv4/tcp_congestion_control");
  default_control << "reno" << std::flush;
  return default_control.good();
}

// SendAll and ReceiveAll stop at an error: the parent then sees what is missing.
void SendAll(int fd, std::uint64_t size) {
  const std::vector<char> block(256 * 1024, 'x');
  while (size > 0) {
    const ssize_t sent =
        ::send(fd, block.data(), std::min<std::uint64_t>(block.size(), size), MSG_NOSIGNAL);
    if (sent <= 0) return;
    size -= static_cast<std::uint64_t>(sent);
  }
}

void ReceiveAll(int fd) {
  std::vector<char> block(256 * 1024);
  while (::recv(fd, block.data(), block.size(), 0) > 0) {
  }
}

void Bulk(const Ends& ends) {
  std::thread sender([&] {
    SendAll(ends.a.get(), kBytesPerStream);
    ::shutdown(ends.a.get(), SHUT_WR);
  });
  ReceiveAll(ends.b.get());
  ::shutdown(ends.b.get(), SHUT_WR);
  sender.join();
}

void Ping(const Ends& ends) {
  char message[100] = {};
  for (int round = 0; round < kRoundTrips; ++round) {
    SendAll(ends.a.get(), sizeof(message));
    if (::recv(ends.b.get(), message, sizeof(message), MSG_WAITALL) <= 0) return;
    SendAll(ends.b.get(), sizeof(message));
    if (::recv(ends.a.get(), message, sizeof(message), MSG_WAITALL) <= 0) return;
  }
  ::shutdown(ends.a.get(), SHUT_WR);
  ::shutdown(ends.b.get(), SHUT_WR);
}

// RunInChild has another process do `work` at the far ends, one thread for each tunnel; this one
// closes them.
// NOLINTNEXTLINE(performance-unnecessary-value-param): it owns them
pid_t RunInChild(std::vector<Ends> all, void (*work)(const Ends&)) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<std::thread> threads;
  for (const Ends& ends : all) threads.emplace_back([&ends, work] { work(ends); });
  for (std::thread& thread : threads) thread.join();
  std::_Exit(0);
}

// Measure returns the CPU seconds that a relay with `max_pipes` uses for `work` in `count` tunnels.
double Measure(std::size_t max_pipes, int count, void (*work)(const Ends&)) {
  std::vector<Ends> far;
  std::vector<RawTunnel> tunnels;
  std::latch ended(count);
  for (int i = 0; i < count; ++i) {
    TcpPair a = ConnectedPair();
    TcpPair b = ConnectedPair();
    far.push_back({std::move(a.near), std::move(b.far)});
    RawTunnel& tunnel = tunnels.emplace_back();
    tunnel.a = std::move(a.far);
    tunnel.b = std::move(b.near);
    tunnel.on_end = [&ended](const TunnelEnd&) { ended.count_down(); };
  }
  const pid_t child = RunInChild(std::move(far), work);
  const double before = CpuSeconds();
  const Result<std::unique_ptr<Relay>> relay = Relay::Create({.max_pipes = max_pipes});
  if (Status status = (*relay)->Start(); !status.ok()) throw std::runtime_error(status.message());
  for (RawTunnel& tunnel : tunnels) (*relay)->Adopt(std::move(tunnel));
  ended.wait();
  const double cpu = CpuSeconds() - before;
  ::waitpid(child, nullptr, 0);
  return cpu;
}

// IdleBytesPerTunnel returns how much the process grows for each tunnel, sockets not counted: they
// are the kernel's.
double IdleBytesPerTunnel() {
  const Result<std::unique_ptr<Relay>> relay = Relay::Create();
  if (Status status = (*relay)->Start(); !status.ok()) throw std::runtime_error(status.message());
  std::vector<Ends> far(kIdleTunnels);
  ::malloc_trim(0);
  const std::uint64_t before = ResidentBytes();
  for (Ends& ends : far) {
    TcpPair a = ConnectedPair();
    TcpPair b = ConnectedPair();
    ends = {std::move(a.near), std::move(b.far)};
    RawTunnel tunnel;
    tunnel.a = std::move(a.far);
    tunnel.b = std::move(b.near);
    tunnel.idle_limit = std::chrono::hours(1);
    (*relay)->Adopt(std::move(tunnel));
  }
  for (const Ends& ends : far) {
    char byte = 'x';
    SendAll(ends.a.get(), 1);
    (void)::recv(ends.b.get(), &byte, 1, 0);
  }
  return static_cast<double>(ResidentBytes() - before) / kIdleTunnels;
}

void Run() {
  constexpr double kGiB = kStreams * static_cast<double>(kBytesPerStream) / (1 << 30);
  std::setbuf(stdout, nullptr);  // a child must not print again what the parent has printed
  std::printf("%-10s %22s %22s\n", "", "bulk, CPU s/GiB", "ping, CPU us/round trip");
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    for (const std::size_t pipes : {RelayOptions().max_pipes, std::size_t{0}}) {
      const double bulk = Measure(pipes, kStreams, &Bulk) / kGiB;
      const double ping = Measure(pipes, 1, &Ping) / kRoundTrips * 1e6;
      std::printf("%-10s %22.2f %22.1f\n", pipes > 0 ? "spliced" : "copied", bulk, ping);
    }
  }
  std::printf("idle tunnel: %.0f bytes of user memory\n", IdleBytesPerTunnel());
}

}  // namespace
}  // namespace detach

int main() {
  if (!detach::EnterOwnNetwork()) {
    std::perror("no network namespace to measure in");
    return 1;
  }
  detach::Run();
}
