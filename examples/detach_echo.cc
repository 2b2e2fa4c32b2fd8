// detach_echo: a server to try any TLS stack against that says it can leave TLS.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bio/backend/by_name/named_backend.h"
#include "bio/socket/detachable_socket.h"
#include "examples/detachable_stream.h"
#include "examples/echo_connection.h"
#include "examples/listener.h"
#include "examples/pem_file.h"
#include "examples/server_config.h"

namespace detach {
namespace {

constexpr const char* kDescription =
    "Echoes lines. A connection begins under TLS.\n"
    "  under TLS  DETACH is answered GO; then close_notify both ways; then raw\n"
    "             DETACH AFTER ME: the same, but yours comes first, and READY behind ours\n"
    "             DETACH AT ONCE: ours comes first, and READY right behind it (TLS 1.3)\n"
    "  raw        TLS is answered OK; then a new handshake on the same connection\n"
    "  either     QUIT closes";

constexpr SocketTimeouts kTimeouts{.call = std::chrono::minutes(10)};

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string cert;
  std::string key;
  std::string ca;
  std::string tls_max = "1.3";
  std::string backend = std::string(NamedBackends().front().name);
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.listen, "host:port; port 0 is any that is free")
      ->capture_default_str();
  app.add_option("--cert", flags.cert, "certificate chain (PEM)")->required();
  app.add_option("--key", flags.key, "its private key (PEM, PKCS#8)")->required();
  app.add_option("--ca", flags.ca, "asks for a client certificate that these issued (PEM)");
  app.add_option("--tls-max", flags.tls_max, "highest TLS version")
      ->check(CLI::IsMember({"1.2", "1.3"}))
      ->capture_default_str();
  std::vector<std::string> backends;
  for (const NamedBackend& backend : NamedBackends()) backends.emplace_back(backend.name);
  app.add_option("--backend", flags.backend, "TLS stack")
      ->check(CLI::IsMember(backends))
      ->capture_default_str();
}

Result<std::unique_ptr<TlsContext>> NewContext(const Flags& flags) {
  Result<TlsConfig> config = ReadServerConfig(flags.cert, flags.key);
  if (!config.ok()) return config.status();
  if (flags.tls_max == "1.2") config->max_version = TlsVersion::kTls12;
  if (!flags.ca.empty()) {
    Result<std::vector<Bytes>> anchors = ReadPemFile(flags.ca, "CERTIFICATE");
    if (!anchors.ok()) return anchors.status();
    config->peer_certificate = PeerCertificate::kRequired;
    config->trust_anchors = *std::move(anchors);
  }
  return NewTlsContext(flags.backend, *config);
}

void Converse(DetachableSocket socket, TlsContext& context, int number) {
  DetachableStream stream(std::move(socket), context);
  EchoConnection connection(stream);
  const Status ended = connection.Run();
  std::fprintf(stderr, "connection %d: left TLS %d times, ended: %s\n", number,
               connection.detached(), ended.ok() ? "in order" : ended.message().c_str());
}

// Returns only when the listening socket fails.
Status Serve(const Listener& listener, TlsContext& context) {
  for (int number = 1;; ++number) {
    Result<DetachableSocket> accepted = DetachableSocket::Accept(listener.fd.get(), kTimeouts);
    if (!accepted.ok()) return accepted.status();
    std::thread(Converse, *std::move(accepted), std::ref(context), number).detach();
  }
}

Status Run(const Flags& flags) {
  const Result<std::unique_ptr<TlsContext>> context = NewContext(flags);
  if (!context.ok()) return context.status();
  const Result<Listener> listener = Listen(flags.listen);
  if (!listener.ok()) return listener.status();
  std::cout << "listening on " << listener->address << std::endl;
  return Serve(*listener, **context);
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  CLI::App app(detach::kDescription, "detach_echo");
  detach::Flags flags;
  detach::AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const detach::Status status = detach::Run(flags);
  std::cerr << "detach_echo: " << status.message() << '\n';
  return 2;
}
