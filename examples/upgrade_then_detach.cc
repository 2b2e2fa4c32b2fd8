// Speaks TLS with a detach_echo server, leaves it, and goes on in clear on the same connection.
//   upgrade_then_detach HOST PORT CA.pem
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "bio/backend/openssl/openssl_context.h"
#include "bio/socket/detachable_socket.h"
#include "examples/pem_file.h"

namespace {

void Must(const detach::Status& status) {
  if (status.ok()) return;
  std::cerr << status.message() << '\n';
  std::exit(1);
}

template <typename T>
T Must(detach::Result<T> result) {
  Must(result.status());
  return *std::move(result);
}

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Prints what the peer sends, until it leaves TLS or ends the connection.
void Print(detach::DetachableSocket& socket) {
  std::uint8_t space[4096];
  for (;;) {
    const detach::ReadResult read = Must(socket.Read(space));
    if (read.event != detach::ReadEvent::kBytes) return;
    std::cout << (read.origin == detach::Origin::kTls ? "TLS: " : "raw: ")
              << std::string_view(reinterpret_cast<char*>(space), read.size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Must(detach::Misuse("usage: upgrade_then_detach HOST PORT CA.pem"));
  detach::TlsConfig config;
  config.reference_identity = argv[1];
  config.trust_anchors = Must(detach::ReadPemFile(argv[3], "CERTIFICATE"));
  const auto context = Must(detach::NewOpenSslContext(config));

  const auto port = static_cast<std::uint16_t>(std::stoi(argv[2]));
  auto socket = Must(detach::DetachableSocket::Connect(argv[1], port));
  Must(socket.Upgrade(*context));
  Must(socket.Write(Bytes("DETACH\n")));
  Print(socket);  // the server says GO, and ends its direction of TLS

  Must(socket.Detach());  // from here on there is no TLS, and no byte of either side is lost
  Must(socket.Write(Bytes("hello, in clear\nQUIT\n")));
  Print(socket);
}
