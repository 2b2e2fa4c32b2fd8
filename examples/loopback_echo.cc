// loopback_echo: detach_echo with the TLS of another program, which knows nothing of detaching.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>

#include "bio/socket/tcp.h"
#include "examples/black_box_stream.h"
#include "examples/echo_connection.h"
#include "examples/listener.h"

namespace detach {
namespace {

constexpr const char* kDescription =
    "Echoes lines as detach_echo does, but leaves TLS to a server that passes on what it has\n"
    "decrypted (stunnel, HAProxy, a program of yours): by a loopback pair. That server listens on\n"
    "--tls-server; it connects to our clear side, and begins with a PROXY line (version 1).\n"
    "Serves one connection at a time.";

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string clear_listen = "127.0.0.1:0";
  std::uint16_t tls_server = 0;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.listen, "host:port for clients; port 0 is any that is free")
      ->capture_default_str();
  app.add_option("--clear-listen", flags.clear_listen, "host:port for what the server decrypted")
      ->capture_default_str();
  app.add_option("--tls-server", flags.tls_server, "the server's port on 127.0.0.1")->required();
}

void Converse(UniqueFd plain, const BlackBox& black_box, int number) {
  BlackBoxStream stream(std::move(plain), black_box);
  EchoConnection connection(stream);
  const Status ended = connection.Run();
  std::fprintf(stderr, "connection %d: left TLS %d times, ended: %s\n", number,
               connection.detached(), ended.ok() ? "in order" : ended.message().c_str());
}

// Returns only when a listening socket fails.
Status Run(const Flags& flags) {
  const Result<Listener> listener = Listen(flags.listen);
  if (!listener.ok()) return listener.status();
  const Result<Listener> clear = Listen(flags.clear_listen);
  if (!clear.ok()) return clear.status();
  std::cout << "listening on " << listener->address << "\nclear side on " << clear->address
            << std::endl;
  const BlackBox black_box{"127.0.0.1", flags.tls_server, clear->fd.get()};
  for (int number = 1;; ++number) {
    Result<UniqueFd> accepted = AcceptTcp(listener->fd.get(), Deadline(std::chrono::hours(24)));
    if (!accepted.ok()) return accepted.status();
    Converse(*std::move(accepted), black_box, number);
  }
}

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  CLI::App app(detach::kDescription, "loopback_echo");
  detach::Flags flags;
  detach::AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const detach::Status status = detach::Run(flags);
  std::cerr << "loopback_echo: " << status.message() << '\n';
  return 2;
}
