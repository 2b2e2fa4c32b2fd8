#include "examples/ftp/control_connection.h"

#include <cstdint>

namespace detach {

Result<std::optional<std::string>> ControlConnection::ReadLine(const Deadline& deadline) {
  std::string line;
  for (;;) {
    std::uint8_t byte = 0;
    const Result<ReadResult> read = socket_.Read({&byte, 1}, deadline);
    if (!read.ok()) return read.status();
    if (read->event != ReadEvent::kBytes) {
      if (line.empty()) return std::optional<std::string>();
      return Truncated("the peer ended within a line");
    }
    if (byte == '\n') break;
    if (line.size() == kMaxLine) return Violation("the peer sent a line without end");
    line += static_cast<char>(byte);
  }
  if (line.ends_with('\r')) line.pop_back();
  return std::optional<std::string>(std::move(line));
}

Status ControlConnection::AnswerLeaveTls(const Deadline& deadline) {
  std::uint8_t byte = 0;
  const Result<ReadResult> read = socket_.Read({&byte, 1}, deadline);
  if (!read.ok()) return read.status();
  if (read->event != ReadEvent::kPeerDetached) {
    return Violation("the peer sent data where its close_notify was due");
  }
  return socket_.Detach();
}

Status ControlConnection::WriteLine(std::string_view text) {
  const std::string line = std::string(text) + "\r\n";
  return socket_.Write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
}

}  // namespace detach
