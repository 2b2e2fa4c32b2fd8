// What it costs to have the key in another process: signatures a second by a keeper, at a socket
// and behind a channel, against those by a key of this process; by one client thread, and by as
// many as there are cores; in turns, so that all meet the same machine. Each ratio is the median of
// those of the rounds. On a machine that does something else as well, CPU time says more than the
// rate: it is that of both processes. The keeper has a thread for each core, and is confined, as
// detach-keeper is.
//
//   bazel run -c opt //tests/bench:signing_bench [KEY...]
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "provider/keeper/confinement.h"
#include "provider/keeper/server.h"
#include "provider/keeper/unix_socket.h"
#include "tests/provider/keeper/kept_identities.h"

namespace detach {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 15;
constexpr std::chrono::milliseconds kTurn{100};

struct Kind {
  const char* name;
  KeyType type;
  const char* digest;
};
constexpr Kind kKinds[] = {{"rsa2048", KeyType::kRsa2048, "SHA256"},
                           {"rsa3072", KeyType::kRsa3072, "SHA256"},
                           {"p256", KeyType::kEcP256, "SHA256"},
                           {"p384", KeyType::kEcP384, "SHA384"},
                           {"ed25519", KeyType::kEd25519, nullptr}};

unsigned Cores() { return std::max(1U, std::thread::hardware_concurrency()); }

void Must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s failed%s\n", what, TakeCryptoError().c_str());
  std::exit(1);
}

std::vector<KeeperIdentity> Identities() {
  std::vector<KeeperIdentity> identities;
  for (const Kind& kind : kKinds) {
    identities.push_back(NewIdentity(kind.name, kind.type, Purpose::kTlsServer));
    identities.back().signatures_per_second = 1'000'000;
  }
  return identities;
}

// A keeper in a process of its own, which ends with this one. Returns the clock of its CPU time.
clockid_t StartKeeper(const std::string& path, UniqueFd channel) {
  Result<UniqueFd> listener = ListenAt(path);
  Must(listener.ok(), "listening");
  const pid_t bench = ::getpid();
  const pid_t keeper = ::fork();
  clockid_t clock = 0;
  if (keeper != 0) Must(::clock_getcpuclockid(keeper, &clock) == 0, "the keeper's clock");
  if (keeper != 0) return clock;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != bench) ::_exit(1);  // it has ended before that
  Requests requests(Identities());
  KeeperServer server(requests, {::geteuid()});
  server.Listen(*std::move(listener));
  Must(server.TakeConnectionsFrom(std::move(channel)).ok(), "the channel");
  const UniqueFd never(::eventfd(0, EFD_CLOEXEC));
  server.Start(Cores() - 1);
  Must(AllowOnlyServing(Pkcs11Use::kNone).ok(), "confinement");
  server.Run(never.get());
  ::_exit(0);
}

PkeyPtr LoadKey(const std::string& uri) {
  OSSL_STORE_CTX* store = OSSL_STORE_open(uri.c_str(), nullptr, nullptr, nullptr, nullptr);
  PkeyPtr key;
  while (store != nullptr && OSSL_STORE_eof(store) == 0) {
    OSSL_STORE_INFO* info = OSSL_STORE_load(store);
    if (info == nullptr) break;
    if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
      key.reset(OSSL_STORE_INFO_get1_PKEY(info));
    }
    OSSL_STORE_INFO_free(info);
  }
  OSSL_STORE_close(store);
  Must(key != nullptr, uri.c_str());
  return key;
}

void Sign(EVP_PKEY* key, const Kind& kind) {
  static const std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify" +
                                     std::string(1, '\0') + std::string(32, 'h');
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;
  std::vector<unsigned char> signature(512);
  std::size_t size = signature.size();
  bool good = EVP_DigestSignInit_ex(context.get(), &padding, kind.digest, nullptr, nullptr, key,
                                    nullptr) == 1;
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    good = good && EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestSign(context.get(), signature.data(), &size,
                                reinterpret_cast<const unsigned char*>(content.data()),
                                content.size()) == 1;
  Must(good, "signing");
}

// What one turn has shown.
struct Turn {
  double rate;  // signatures a second
  double cpu;   // seconds for each
};

double CpuTime(clockid_t clock) {
  timespec time = {};
  Must(::clock_gettime(clock, &time) == 0, "CPU time");
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Signs on `threads`.
Turn Measure(EVP_PKEY* key, const Kind& kind, unsigned threads, clockid_t keeper) {
  const auto cpu_time = [&] { return CpuTime(CLOCK_PROCESS_CPUTIME_ID) + CpuTime(keeper); };
  const double cpu = cpu_time();
  std::atomic<int> count = 0;
  std::vector<std::thread> clients;
  const Clock::time_point start = Clock::now();
  for (unsigned i = 0; i < threads; ++i) {
    clients.emplace_back([&] {
      for (; Clock::now() - start < kTurn; ++count) Sign(key, kind);
    });
  }
  for (std::thread& client : clients) client.join();
  return {count / std::chrono::duration<double>(Clock::now() - start).count(),
          (cpu_time() - cpu) / count};
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <typename Quantity>
double MedianOf(const std::vector<std::pair<Turn, Turn>>& rounds, Quantity quantity) {
  std::vector<double> values;
  for (const auto& [own, kept] : rounds) values.push_back(quantity(own, kept));
  return Median(std::move(values));
}

void Compare(const Kind& kind, EVP_PKEY* own, EVP_PKEY* kept, const char* way, unsigned threads,
             clockid_t keeper) {
  std::vector<std::pair<Turn, Turn>> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const Turn by_own = Measure(own, kind, threads, keeper);
    rounds.emplace_back(by_own, Measure(kept, kind, threads, keeper));
  }
  using T = const Turn&;
  std::printf(
      "%-8s %-8s threads %-3u own %7.0f/s %6.1f us   kept %7.0f/s %6.1f us   ratio of "
      "rates %.2f, of CPU time %.2f\n",
      kind.name, way, threads, MedianOf(rounds, [](T one, T) { return one.rate; }),
      MedianOf(rounds, [](T one, T) { return 1e6 * one.cpu; }),
      MedianOf(rounds, [](T, T one) { return one.rate; }),
      MedianOf(rounds, [](T, T one) { return 1e6 * one.cpu; }),
      MedianOf(rounds, [](T a, T b) { return b.rate / a.rate; }),
      MedianOf(rounds, [](T a, T b) { return a.cpu / b.cpu; }));
}

void CompareEach(const Kind& kind, const UniqueFd& channel, clockid_t keeper) {
  const std::string uri = "identity:" + std::string(kind.name);
  const PkeyPtr at_socket = LoadKey(uri);
  const PkeyPtr behind_channel = LoadKey(uri + "?descriptor=" + std::to_string(channel.get()));
  const KeyAndChain own = NewContent(kind.type);
  for (unsigned threads = 1; threads <= Cores(); threads += std::max(1U, Cores() - 1)) {
    Compare(kind, own.key.get(), at_socket.get(), "socket", threads, keeper);
    Compare(kind, own.key.get(), behind_channel.get(), "channel", threads, keeper);
  }
}

// Of the keys of these names; of all, where there are none.
int Run(const std::vector<std::string>& names) {
  const TemporaryDirectory directory("/tmp");
  ::chmod(directory.path().c_str(), 0700);
  const std::string path = (directory.path() / "socket").string();
  Result<PacketPair> channel = NewPacketPair();
  Must(channel.ok(), "socketpair");
  const clockid_t keeper = StartKeeper(path, std::move(channel->theirs));
  const std::string config =
      directory.Write("openssl.cnf",
                      "openssl_conf = init\n[init]\nproviders = providers\n[providers]\n"
                      "default = own\ndetach = ours\n[own]\nactivate = 1\n[ours]\nmodule = " +
                          std::filesystem::absolute("provider/detach.so").string() +
                          "\nsocket = " + path + "\nactivate = 1\n");
  Must(OSSL_LIB_CTX_load_config(nullptr, config.c_str()) == 1, "openssl.cnf");
  for (const Kind& kind : kKinds) {
    const bool wanted =
        names.empty() || std::find(names.begin(), names.end(), kind.name) != names.end();
    if (wanted) CompareEach(kind, channel->ours, keeper);
  }
  return 0;
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) { return detach::Run({argv + 1, argv + argc}); }
