// Two TlsSessions in one process, without a socket: what lies on the wire where TLS ends.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "bio/backend/openssl/openssl_context.h"
#include "bio/record/record_header.h"
#include "bio/session/tls_session.h"
#include "examples/throwaway_identity.h"

namespace detach {
namespace {

void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

template <typename T>
T Must(Result<T> result) {
  Must(result.status());
  return *std::move(result);
}

struct End {
  const char* name;
  TlsSession session;
};

const char* Name(ContentType type) {
  switch (type) {
    case ContentType::kChangeCipherSpec:
      return "change_cipher_spec";
    case ContentType::kAlert:
      return "alert";
    case ContentType::kHandshake:
      return "handshake";
    case ContentType::kApplicationData:
      return "application_data";
  }
  return "";
}

void PrintRecord(const RecordHeader& header, std::span<const std::uint8_t> record) {
  std::printf("    %-18s %4zu bytes ", Name(header.type), record.size());
  for (const std::uint8_t byte : record.first(std::min<std::size_t>(record.size(), 16))) {
    std::printf(" %02x", byte);
  }
  std::puts(record.size() > 16 ? " ..." : "");
}

void PrintText(const char* label, std::span<const std::uint8_t> bytes) {
  std::printf("%s: \"%.*s\"\n", label, static_cast<int>(bytes.size()),
              reinterpret_cast<const char*>(bytes.data()));
}

// Prints `wire` as an onlooker sees it: records, then what is none.
void PrintWire(std::span<const std::uint8_t> wire) {
  while (wire.size() >= kRecordHeaderSize) {
    const auto header = ParseRecordHeader(wire.first<kRecordHeaderSize>());
    if (!header) break;
    PrintRecord(*header, wire.first(header->record_size()));
    wire = wire.subspan(header->record_size());
  }
  if (!wire.empty()) PrintText("    in clear", wire);
}

// Takes the place of the network: all that `from` has to send goes to `to`, at once.
void Carry(End& from, End& to) {
  const std::span<const std::uint8_t> wire = from.session.Output();
  if (wire.empty()) return;
  std::printf("  %s -> %s\n", from.name, to.name);
  PrintWire(wire);
  std::copy(wire.begin(), wire.end(), to.session.ReceiveSpace().begin());
  Must(to.session.Received(wire.size()));
  from.session.OutputWritten(wire.size());
}

void Write(End& end, std::string_view text) {
  (void)Must(end.session.Write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
}

// Prints all that `end` has to read.
void PrintRead(End& end) {
  std::uint8_t space[200];
  for (;;) {
    const ReadResult read = Must(end.session.Read(space));
    if (read.event == ReadEvent::kWantInput) return;
    if (read.event == ReadEvent::kPeerDetached) {
      std::printf("  %s reads: the peer has left TLS\n", end.name);
    } else {
      std::printf("  %s reads ", end.name);
      PrintText(read.origin == Origin::kTls ? "under TLS" : "raw",
                std::span(space).first(read.size));
    }
  }
}

std::unique_ptr<TlsContext> ClientContext(const Identity& server) {
  TlsConfig config;
  config.trust_anchors = server.chain;
  config.reference_identity = "localhost";
  return Must(NewOpenSslContext(config));
}

std::unique_ptr<TlsContext> ServerContext(std::shared_ptr<const Identity> identity) {
  TlsConfig config;
  config.role = Role::kServer;
  config.identity = std::move(identity);
  config.peer_certificate = PeerCertificate::kNotRequested;
  return Must(NewOpenSslContext(config));
}

void Run() {
  const std::shared_ptr<const Identity> identity = Must(NewThrowawayIdentity("localhost"));
  const std::unique_ptr<TlsContext> client_context = ClientContext(*identity);
  const std::unique_ptr<TlsContext> server_context = ServerContext(identity);
  End client{.name = "client", .session = {}};
  End server{.name = "server", .session = {}};

  std::puts("handshake");
  Must(client.session.Upgrade(Must(client_context->NewBackend())));
  Must(server.session.Upgrade(Must(server_context->NewBackend())));
  while (!client.session.Output().empty() || !server.session.Output().empty()) {
    Carry(client, server);
    Carry(server, client);
  }

  std::puts("the client writes, detaches, and writes on: one flight");
  Write(client, "last words under TLS");
  Must(client.session.Detach());
  Write(client, "first words in clear");
  Carry(client, server);
  PrintRead(server);

  std::puts("the server does the same, in its own time");
  Write(server, "still under TLS");
  Must(server.session.Detach());
  Write(server, "in clear");
  Carry(server, client);
  PrintRead(client);
  std::printf("TLS objects left: %d\n", client.session.has_tls() + server.session.has_tls());
}

}  // namespace
}  // namespace detach

int main() { detach::Run(); }
