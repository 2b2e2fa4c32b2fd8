// Prints docs/PROTOCOL-EXAMPLE.md: one connection in mode "covered", record by record, as the
// library and the tunnel's parts really make it. Secrets and randomness are not printed, so that
// the output is the same each time.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bio/backend/openssl/openssl_context.h"
#include "bio/record/record_header.h"
#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/connect_message.h"
#include "proxies/tunnel/detach_agreement.h"
#include "proxies/tunnel/inner_handshake_observer.h"
#include "tests/support/session_driver.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

constexpr char kDestination[] = "wiki.corp.example";

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void Must(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "the example failed: %s\n", what);
  std::exit(1);
}

// Prints the header of each record of `wire`, with its offset in that direction's stream.
class RecordPrinter {
 public:
  explicit RecordPrinter(const char* arrow) : arrow_(arrow) {}

  void Print(std::string_view wire, const char* what) {
    while (!wire.empty()) {
      Must(wire.size() >= kRecordHeaderSize, "a whole record header");
      const auto header = ParseRecordHeader(BytesOf(wire).first<kRecordHeaderSize>());
      Must(header && header->record_size() <= wire.size(), "a whole record");
      const auto bytes = BytesOf(wire);
      std::printf("    %s %5zu  %02x %02x %02x %02x %02x  +%5u  %s\n", arrow_, offset_, bytes[0],
                  bytes[1], bytes[2], bytes[3], bytes[4], unsigned{header->length}, what);
      offset_ += header->record_size();
      wire.remove_prefix(header->record_size());
    }
  }

 private:
  const char* arrow_;
  std::size_t offset_ = 0;
};

std::string InnerTypes(std::string_view inner) {
  std::string types;
  while (inner.size() >= kRecordHeaderSize) {
    const auto header = ParseRecordHeader(BytesOf(inner).first<kRecordHeaderSize>());
    Must(header.has_value(), "an inner record");
    types += " " + std::to_string(static_cast<int>(header->type)) + "(" +
             std::to_string(header->length) + ")";
    inner.remove_prefix(std::min(inner.size(), header->record_size()));
  }
  return types;
}

// Everything that `session` has to say now, by origin.
struct Heard {
  std::string tls;
  std::string raw;
};

Heard Hear(TlsSession& session) {
  Heard heard;
  std::uint8_t space[4096];
  while (true) {
    const Result<ReadResult> read = session.Read(space);
    Must(read.ok(), "read");
    if (read->event == ReadEvent::kWantInput) return heard;
    if (read->event != ReadEvent::kBytes) continue;
    std::string& text = read->origin == Origin::kTls ? heard.tls : heard.raw;
    text.append(reinterpret_cast<const char*>(space), read->size);
  }
}

// One of the two proxies.
struct Proxy {
  Proxy(const char* arrow, Direction sent)
      : printer(arrow),
        sends(sent),
        receives(sent == Direction::kClientToServer ? Direction::kServerToClient
                                                    : Direction::kClientToServer) {}

  // Sends what the outer session has to say.
  void SendTo(Proxy& peer, const char* what) {
    const std::string wire = TakeOutput(outer);
    printer.Print(wire, what);
    peer.Take(wire);
  }

  // Takes bytes from the wire, by the receiver's side of the cover rule.
  void Take(std::string_view wire) {
    if (wire.empty()) return;
    Must(Feed(outer, wire).ok(), "feed");
    const Heard now = Hear(outer);
    if (tunnel) observer.Receive(receives, BytesOf(now.tls));
    Must(now.raw.empty() || raw || observer.MayTurnRaw(receives, BytesOf(now.raw)[0]),
         "the receiver's own view");
    raw = raw || !now.raw.empty();
    heard += now.tls + now.raw;
  }

  TlsSession outer;
  RecordPrinter printer;
  InnerHandshakeObserver observer;
  const Direction sends;
  const Direction receives;
  bool tunnel = false;  // the CONNECT exchange is over
  bool raw = false;     // what comes is raw
  std::string heard;
};

// Passes inner bytes from one proxy to the other, and returns them as they come out.
std::string Pass(Proxy& from, Proxy& to, const std::string& inner) {
  std::string_view rest = inner;
  if (from.outer.state().sending == Sending::kTls) {
    const InnerHandshakeObserver::Cut cut = from.observer.Send(from.sends, BytesOf(inner));
    Must(cut.detach || cut.covered == inner.size(), "no header is held back here");
    if (cut.covered > 0) {
      Must(from.outer.Write(BytesOf(inner.substr(0, cut.covered))).ok(), "write");
      from.SendTo(to, "under cover");
    }
    rest.remove_prefix(cut.covered);
    if (cut.detach) {
      Must(from.outer.Detach().ok(), "detach");
      from.SendTo(to, "close_notify: the outer TLS ends in this direction");
    }
  }
  from.printer.Print(rest, "raw");
  to.Take(rest);
  return std::exchange(to.heard, {});
}

// The browser's session, or the destination's.
void Speak(TlsSession& speaker, TlsSession& listener, Proxy& from, Proxy& to, const char* who) {
  const std::string inner = TakeOutput(speaker);
  if (inner.empty()) return;
  std::printf("\n%s sends inner records%s:\n\n", who, InnerTypes(inner).c_str());
  const std::string passed = Pass(from, to, inner);
  Must(passed == inner, "every byte, once, in order");
  Must(Feed(listener, passed).ok(), "feed");
}

void Upgrade(TlsSession& session, TlsContext& context) {
  Result<std::unique_ptr<TlsBackend>> backend = context.NewBackend();
  Must(backend.ok() && session.Upgrade(*std::move(backend)).ok(), "upgrade");
}

std::unique_ptr<TlsContext> Context(const TestAuthority& authority, Role role, const char* name) {
  const bool client = role == Role::kClient;
  TlsConfig config;
  config.role = role;
  config.trust_anchors = {authority.certificate()};
  config.reference_identity = name;
  config.alpn = {"http/1.1"};
  config.identity =
      authority
          .Issue({.common_name = client ? "client" : "server",
                  .usage = client ? ExtendedKeyUsage::kClientAuth : ExtendedKeyUsage::kServerAuth,
                  .alt_names = {client ? std::string("URI:spiffe://corp.example/alice")
                                       : std::string("DNS:") + name},
                  .key = KeyType::kEd25519})
          .identity();
  Result<std::unique_ptr<TlsContext>> context = NewOpenSslContext(config);
  Must(context.ok(), "context");
  return *std::move(context);
}

std::string Masked(std::string message) {
  const std::size_t begin = message.find("cb=:") + 4;
  const std::size_t end = message.find(':', begin);
  Must(end != std::string::npos, "a binding");
  return message.replace(begin, end - begin, "...");
}

// A message under the outer TLS, indented, and the record that it travels in.
void SendMessage(Proxy& from, Proxy& to, const std::string& message) {
  std::printf("\n");
  const std::string masked = Masked(message);
  for (std::size_t at = 0; at + 2 < masked.size(); at = masked.find("\r\n", at) + 2) {
    std::printf("        %s\n", masked.substr(at, masked.find("\r\n", at) - at).c_str());
  }
  std::printf("\n");
  Must(from.outer.Write(BytesOf(message)).ok(), "write");
  from.SendTo(to, "the message, in the outer TLS");
  Must(std::exchange(to.heard, {}) == message, "the message");
}

void Agree(Proxy& client, Proxy& reverse) {
  const Result<Authority> target = Authority::Parse(std::string(kDestination) + ":443");
  const Result<std::string> offer = OfferDetach(client.outer, DetachMode::kCovered);
  Must(target.ok() && offer.ok(), "offer");
  SendMessage(client, reverse, SerializeConnectRequest(*target, *offer));
  const Agreement agreement = AgreeToDetach(reverse.outer, *offer, true, false);
  Must(agreement.mode == DetachMode::kCovered, "agreement");
  SendMessage(reverse, client, SerializeConnected(agreement.field));
  Must(VerifyAgreement(client.outer, agreement.field, DetachMode::kCovered).ok(), "verified");
}

void ShakeHands(Proxy& client, Proxy& reverse, const TestAuthority& authority) {
  const auto client_context = Context(authority, Role::kClient, "rp.example");
  const auto server_context = Context(authority, Role::kServer, "rp.example");
  Upgrade(client.outer, *client_context);
  Upgrade(reverse.outer, *server_context);
  std::printf("\n");
  while (!client.outer.Output().empty() || !reverse.outer.Output().empty()) {
    client.SendTo(reverse, "outer handshake");
    reverse.SendTo(client, "outer handshake");
  }
  Must(client.outer.handshake_done() && reverse.outer.handshake_done(), "outer handshake");
}

void Print() {
  std::printf(
      "# The tunnel protocol: one connection, byte by byte\n\n"
      "Mode `covered`, TLS 1.3 outside and inside, Ed25519 certificates. Printed by\n"
      "`bazel run //tests/proxies/tunnel:print_example_connection`; a test compares. Each line is\n"
      "a record on the wire between the two proxies: where it begins in its direction's stream,\n"
      "its header, the length behind it. `->` is from the client proxy to the reverse proxy.\n\n"
      "## The outer handshake\n");
  const TestAuthority outer_authority("outer CA", KeyType::kEd25519);
  const TestAuthority inner_authority("inner CA", KeyType::kEd25519);
  Proxy client("->", Direction::kClientToServer);
  Proxy reverse("<-", Direction::kServerToClient);
  ShakeHands(client, reverse, outer_authority);
  std::printf("\n## Sequential connect\n");
  Agree(client, reverse);
  client.tunnel = reverse.tunnel = true;

  std::printf(
      "\n## The virtual connection\n\n"
      "Inner records are given as type(length).\n");
  const auto browser_context = Context(inner_authority, Role::kClient, kDestination);
  const auto destination_context = Context(inner_authority, Role::kServer, kDestination);
  TlsSession browser;
  TlsSession destination;
  Upgrade(browser, *browser_context);
  Upgrade(destination, *destination_context);
  while (!browser.Output().empty() || !destination.Output().empty()) {
    Speak(browser, destination, client, reverse, "The browser");
    Speak(destination, browser, reverse, client, "The destination");
  }
  Must(WriteText(browser, "GET / HTTP/1.1\r\nHost: wiki.corp.example\r\n\r\n").ok(), "request");
  Speak(browser, destination, client, reverse, "The browser");
  Must(WriteText(destination, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok(), "response");
  Speak(destination, browser, reverse, client, "The destination");
  Must(!client.outer.has_tls() && !reverse.outer.has_tls(), "no TLS object is left");
  std::printf("\nBoth directions are raw, and neither proxy has a TLS object any more.\n");
}

}  // namespace
}  // namespace detach

int main() { detach::Print(); }
