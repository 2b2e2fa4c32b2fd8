#include "examples/echo_connection.h"

#include <cstdint>
#include <utility>

namespace detach {
namespace {

// What is longer is echoed in pieces.
constexpr std::size_t kMaxLine = 16 * 1024;

constexpr std::uint8_t kReady[] = {'R', 'E', 'A', 'D', 'Y', '\n'};

}  // namespace

Status EchoConnection::Run() {
  for (;;) {
    if (Status upgraded = stream_.Upgrade(); !upgraded.ok()) return upgraded;
    const Result<Ending> under_tls = EchoLines(Origin::kTls);
    if (!under_tls.ok()) return under_tls.status();
    if (*under_tls == Ending::kQuit) return stream_.DetachSending({});

    if (Status left = LeaveTls(*under_tls); !left.ok()) return left;
    ++detached_;
    const Result<Ending> raw = EchoLines(Origin::kRaw);
    if (!raw.ok()) return raw.status();
    if (*raw == Ending::kQuit) return {};
    if (Status said = Say("OK\n"); !said.ok()) return said;
  }
}

Result<EchoConnection::Ending> EchoConnection::EchoLines(Origin origin) {
  for (;;) {
    const Result<std::string> line = ReadLine();
    if (!line.ok()) return line.status();
    if (line->empty() || *line == "QUIT\n") return Ending::kQuit;
    if (origin == Origin::kTls && *line == "DETACH\n") return Ending::kDetach;
    if (origin == Origin::kTls && *line == "DETACH AFTER ME\n") return Ending::kDetachAfterPeer;
    if (origin == Origin::kTls && *line == "DETACH AT ONCE\n" && stream_.half_detach()) {
      return Ending::kDetachAtOnce;
    }
    if (origin == Origin::kRaw && *line == "TLS\n") return Ending::kTls;
    if (Status said = Say(*line); !said.ok()) return said;
  }
}

Status EchoConnection::LeaveTls(Ending how) {
  if (Status expecting = stream_.ExpectDetach(); !expecting.ok()) return expecting;
  if (Status said = Say("GO\n"); !said.ok()) return said;
  if (how == Ending::kDetach) return stream_.Detach();

  if (how == Ending::kDetachAfterPeer) {
    if (Status left = AwaitPeerDetached(); !left.ok()) return left;
  }
  if (Status sent = stream_.DetachSending(kReady); !sent.ok()) return sent;
  return how == Ending::kDetachAtOnce ? stream_.Detach() : Status();
}

Status EchoConnection::AwaitPeerDetached() {
  std::uint8_t byte = 0;
  const Result<ReadResult> read = stream_.Read({&byte, 1});
  if (!read.ok()) return read.status();
  if (read->event != ReadEvent::kPeerDetached) return Violation("data behind DETACH AFTER ME");
  return {};
}

// Reads up to the end of a line; empty at the end of what the peer sends. Takes nothing from behind
// the line: behind DETACH begins what is raw, and behind TLS the ClientHello.
Result<std::string> EchoConnection::ReadLine() {
  std::string line;
  while (line.size() < kMaxLine && !line.ends_with('\n')) {
    std::uint8_t byte = 0;
    const Result<ReadResult> read = stream_.Read({&byte, 1});
    if (!read.ok()) return read.status();
    if (read->event == ReadEvent::kPeerDetached) return std::string();  // cut off: no line
    if (read->event == ReadEvent::kEnd) break;
    line += static_cast<char>(byte);
  }
  return line;
}

Status EchoConnection::Say(std::string_view text) {
  return stream_.Write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace detach
