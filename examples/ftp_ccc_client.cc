// ftp_ccc_client: logs in to an FTP server under TLS, leaves TLS (CCC), and moves files.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bio/backend/by_name/named_backend.h"
#include "bio/socket/tcp.h"
#include "bio/socket/unique_fd.h"
#include "examples/ftp/account.h"
#include "examples/ftp/client_session.h"
#include "examples/pem_file.h"

namespace detach {
namespace {

constexpr const char* kDescription =
    "Enters TLS (AUTH TLS), logs in, leaves TLS (CCC), and then stores, lists and fetches.";

struct Flags {
  std::string host;
  std::uint16_t port = 21;
  std::string ca;
  std::string user;
  std::string password_file;
  std::string prot = "P";
  std::string tls_max = "1.3";
  std::string backend = std::string(NamedBackends().front().name);
  bool no_ccc = false;
  int rounds = 1;
  bool list = false;
  std::vector<std::string> put;  // a local path, and the name at the server
  std::vector<std::string> get;  // a name at the server, and the local path
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("host", flags.host)->required();
  app.add_option("port", flags.port)->capture_default_str();
  app.add_option("--ca", flags.ca, "who issued the server's certificate (PEM)")->required();
  app.add_option("--user", flags.user)->required();
  app.add_option("--password-file", flags.password_file, "the password: its first line")
      ->required();
  app.add_option("--prot", flags.prot, "data connections: C clear, P under TLS")
      ->check(CLI::IsMember({"C", "P"}))
      ->capture_default_str();
  app.add_option("--tls-max", flags.tls_max, "highest TLS version")
      ->check(CLI::IsMember({"1.2", "1.3"}))
      ->capture_default_str();
  std::vector<std::string> backends;
  for (const NamedBackend& backend : NamedBackends()) backends.emplace_back(backend.name);
  app.add_option("--backend", flags.backend, "TLS stack")
      ->check(CLI::IsMember(backends))
      ->capture_default_str();
  app.add_flag("--no-ccc", flags.no_ccc, "stay under TLS");
  app.add_option("--rounds", flags.rounds, "all of it so many times, on one connection")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--put", flags.put, "store: LOCAL REMOTE")->expected(2);
  app.add_flag("--list", flags.list, "list the folder");
  app.add_option("--get", flags.get, "fetch: REMOTE LOCAL")->expected(2);
}

Result<std::unique_ptr<TlsContext>> NewContext(const Flags& flags) {
  TlsConfig config;
  config.min_version = TlsVersion::kTls12;
  config.max_version = flags.tls_max == "1.2" ? TlsVersion::kTls12 : TlsVersion::kTls13;
  config.reference_identity = flags.host;
  config.resumption = true;  // many servers want the control connection's session on the others
  Result<std::vector<Bytes>> anchors = ReadPemFile(flags.ca, "CERTIFICATE");
  if (!anchors.ok()) return anchors.status();
  config.trust_anchors = *std::move(anchors);
  return NewTlsContext(flags.backend, config);
}

Status Put(FtpClient& client, const std::string& local, const std::string& remote) {
  const UniqueFd file(open(local.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return SystemFailure(local, errno);
  return client.Upload(file.get(), remote);
}

Status Get(FtpClient& client, const std::string& remote, const std::string& local) {
  const UniqueFd file(open(local.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return SystemFailure(local, errno);
  return client.Download(remote, file.get());
}

Status MoveFiles(FtpClient& client, const Flags& flags) {
  if (!flags.put.empty()) {
    if (Status put = Put(client, flags.put[0], flags.put[1]); !put.ok()) return put;
  }
  if (flags.list) {
    if (Status listed = client.List(STDOUT_FILENO); !listed.ok()) return listed;
  }
  return flags.get.empty() ? Status() : Get(client, flags.get[0], flags.get[1]);
}

Status Round(FtpClient& client, const Account& account, const Flags& flags) {
  if (Status in = client.LogIn(account); !in.ok()) return in;
  const Protection protection = flags.prot == "P" ? Protection::kPrivate : Protection::kClear;
  if (Status chosen = client.Protect(protection); !chosen.ok()) return chosen;
  if (!flags.no_ccc) {
    if (Status left = client.LeaveTls(); !left.ok()) return left;
  }
  return MoveFiles(client, flags);
}

Status Run(const Flags& flags) {
  const Result<Account> account = ReadAccount(flags.user, flags.password_file);
  if (!account.ok()) return account.status();
  const Result<std::unique_ptr<TlsContext>> context = NewContext(flags);
  if (!context.ok()) return context.status();
  Result<FtpClient> client = FtpClient::Connect(flags.host, flags.port, **context);
  if (!client.ok()) return client.status();
  for (int round = 0; round < flags.rounds; ++round) {
    if (Status moved = Round(*client, *account, flags); !moved.ok()) return moved;
  }
  return client->Quit();
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  CLI::App app(detach::kDescription, "ftp_ccc_client");
  detach::Flags flags;
  detach::AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const detach::Status status = detach::Run(flags);
  if (status.ok()) return 0;
  std::cerr << "ftp_ccc_client: " << status.message() << '\n';
  return 1;
}
