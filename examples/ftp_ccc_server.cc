// ftp_ccc_server: an FTP server that leaves TLS on its control connection when a client says CCC.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bio/backend/by_name/named_backend.h"
#include "bio/socket/deadline.h"
#include "bio/socket/detachable_socket.h"
#include "bio/socket/tcp.h"
#include "bio/socket/unique_fd.h"
#include "examples/ftp/account.h"
#include "examples/ftp/folder.h"
#include "examples/ftp/passive_listener.h"
#include "examples/ftp/server_session.h"
#include "examples/listener.h"
#include "examples/server_config.h"

namespace detach {
namespace {

constexpr const char* kDescription =
    "Serves a folder by FTP. A client enters TLS (AUTH TLS), logs in, and may leave TLS (CCC).\n"
    "Passive data connections only, clear (PROT C) or under TLS (PROT P). RFC 959, 2428, 4217.";

constexpr int kMaxSessions = 100;
constexpr std::chrono::hours kForever(24 * 365);

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string cert;
  std::string key;
  std::string folder;
  std::string user;
  std::string password_file;
  std::string tls_max = "1.3";
  std::string backend = std::string(NamedBackends().front().name);
  bool no_ccc = false;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.listen, "host:port; port 0 is any that is free")
      ->capture_default_str();
  app.add_option("--cert", flags.cert, "certificate chain (PEM)")->required();
  app.add_option("--key", flags.key, "its private key (PEM, PKCS#8)")->required();
  app.add_option("--folder", flags.folder, "what is served")->required();
  app.add_option("--user", flags.user, "who may log in")->required();
  app.add_option("--password-file", flags.password_file, "the password: its first line")
      ->required();
  app.add_option("--tls-max", flags.tls_max, "highest TLS version")
      ->check(CLI::IsMember({"1.2", "1.3"}))
      ->capture_default_str();
  std::vector<std::string> backends;
  for (const NamedBackend& backend : NamedBackends()) backends.emplace_back(backend.name);
  app.add_option("--backend", flags.backend, "TLS stack")
      ->check(CLI::IsMember(backends))
      ->capture_default_str();
  app.add_flag("--no-ccc", flags.no_ccc, "refuse CCC: the control connection stays under TLS");
}

// Without resumption, so without session tickets: a client that stores a file, reads nothing and
// closes would leave them unread, and the reset that follows would destroy the end of its file
// (lftp, TLS 1.3).
Result<std::unique_ptr<TlsContext>> NewContext(const Flags& flags) {
  Result<TlsConfig> config = ReadServerConfig(flags.cert, flags.key);
  if (!config.ok()) return config.status();
  if (flags.tls_max == "1.2") config->max_version = TlsVersion::kTls12;
  return NewTlsContext(flags.backend, *config);
}

void Converse(const FtpService& service, UniqueFd fd) {
  const Result<Endpoints> ends = EndpointsOf(fd.get());
  if (!ends.ok()) return;  // gone already
  FtpSession session(service, DetachableSocket(std::move(fd)), *ends);
  const Status ended = session.Run();
  std::fprintf(stderr, "session: left TLS %d times, ended: %s\n", session.left_tls(),
               ended.ok() ? "in order" : ended.message().c_str());
}

// Returns only when the listening socket fails.
Status Serve(const Listener& listener, const FtpService& service) {
  std::atomic<int> sessions = 0;
  for (;;) {
    Result<UniqueFd> accepted = AcceptTcp(listener.fd.get(), Deadline(kForever));
    if (!accepted.ok()) return accepted.status();
    if (++sessions > kMaxSessions) {
      --sessions;
      continue;  // closed
    }
    std::thread([&service, &sessions, fd = *std::move(accepted)]() mutable {
      Converse(service, std::move(fd));
      --sessions;
    }).detach();
  }
}

Status Run(const Flags& flags) {
  const Result<std::unique_ptr<TlsContext>> context = NewContext(flags);
  if (!context.ok()) return context.status();
  const Result<Folder> folder = Folder::Open(flags.folder);
  if (!folder.ok()) return folder.status();
  const Result<Account> account = ReadAccount(flags.user, flags.password_file);
  if (!account.ok()) return account.status();
  const Result<Listener> listener = Listen(flags.listen);
  if (!listener.ok()) return listener.status();
  std::cout << "listening on " << listener->address << std::endl;
  return Serve(*listener, {**context, *folder, *account, !flags.no_ccc});
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  CLI::App app(detach::kDescription, "ftp_ccc_server");
  detach::Flags flags;
  detach::AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const detach::Status status = detach::Run(flags);
  std::cerr << "ftp_ccc_server: " << status.message() << '\n';
  return 2;
}
