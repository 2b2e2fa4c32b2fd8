// What it costs to have the key in another process: signatures a second by a keeper against those
// by a key of this process, one client thread, in turns so that both meet the same machine.
//
//   bazel run -c opt //tests/bench:signing_bench
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "provider/keeper/server.h"
#include "tests/provider/keeper/kept_identities.h"

namespace detach {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 7;
constexpr std::chrono::milliseconds kTurn{300};

struct Kind {
  const char* name;
  KeyType type;
  const char* digest;
};
constexpr Kind kKinds[] = {{"rsa2048", KeyType::kRsa2048, "SHA256"},
                           {"p256", KeyType::kEcP256, "SHA256"},
                           {"ed25519", KeyType::kEd25519, nullptr}};

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

// A keeper in a process of its own, which ends with this one.
void StartKeeper(const std::string& path) {
  Result<UniqueFd> listener = ListenAt(path);
  Must(listener.ok(), "listening");
  if (::fork() != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Requests requests(Identities());
  KeeperServer server(requests, {::geteuid()});
  server.Listen(*std::move(listener));
  const UniqueFd never(::eventfd(0, EFD_CLOEXEC));
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
  if (kind.type == KeyType::kRsa2048) {
    good = good && EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestSign(context.get(), signature.data(), &size,
                                reinterpret_cast<const unsigned char*>(content.data()),
                                content.size()) == 1;
  Must(good, "signing");
}

// Signatures a second, in one turn.
double Rate(EVP_PKEY* key, const Kind& kind) {
  const Clock::time_point start = Clock::now();
  int count = 0;
  while (Clock::now() - start < kTurn) {
    Sign(key, kind);
    ++count;
  }
  return count / std::chrono::duration<double>(Clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void Compare(const Kind& kind) {
  const PkeyPtr kept = LoadKey("identity:" + std::string(kind.name));
  const KeyAndChain own = NewContent(kind.type);
  std::vector<double> kept_rates;
  std::vector<double> own_rates;
  for (int round = 0; round < kRounds; ++round) {
    own_rates.push_back(Rate(own.key.get(), kind));
    kept_rates.push_back(Rate(kept.get(), kind));
  }
  const double in_process = Median(own_rates);
  const double by_keeper = Median(kept_rates);
  std::printf("%-8s  own key %8.0f/s   keeper %8.0f/s   ratio %.2f   +%.0f us\n", kind.name,
              in_process, by_keeper, by_keeper / in_process, 1e6 / by_keeper - 1e6 / in_process);
}

int Run() {
  const TemporaryDirectory directory("/tmp");
  ::chmod(directory.path().c_str(), 0700);
  const std::string path = (directory.path() / "socket").string();
  StartKeeper(path);
  const std::string config =
      directory.Write("openssl.cnf",
                      "openssl_conf = init\n[init]\nproviders = providers\n[providers]\n"
                      "default = own\ndetach = ours\n[own]\nactivate = 1\n[ours]\nmodule = " +
                          std::filesystem::absolute("provider/detach.so").string() +
                          "\nsocket = " + path + "\nactivate = 1\n");
  Must(OSSL_LIB_CTX_load_config(nullptr, config.c_str()) == 1, "openssl.cnf");
  for (const Kind& kind : kKinds) Compare(kind);
  return 0;
}

}  // namespace
}  // namespace detach

int main() { return detach::Run(); }
