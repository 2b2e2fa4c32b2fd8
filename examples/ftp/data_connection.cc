#include "examples/ftp/data_connection.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>

#include "bio/socket/deadline.h"
#include "bio/socket/tcp.h"

namespace detach {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::chrono::seconds kAnswerTime(5);

// Reads up to bytes.size(); 0 at the end of the file.
Result<std::size_t> ReadFrom(int file, std::span<std::uint8_t> bytes) {
  for (;;) {
    const ssize_t size = read(file, bytes.data(), bytes.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return SystemFailure("reading the file", errno);
  }
}

Status WriteTo(int file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(file, bytes.data(), bytes.size());
    if (size >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(size));
    } else if (errno != EINTR) {
      return SystemFailure("writing the file", errno);
    }
  }
  return {};
}

}  // namespace

Status DataConnection::Protect(Protection protection, TlsContext& context) {
  protection_ = protection;
  return protection == Protection::kPrivate ? socket_.Upgrade(context) : Status();
}

Status DataConnection::SendFile(int file) {
  std::array<std::uint8_t, kPiece> space;
  for (;;) {
    const Result<std::size_t> size = ReadFrom(file, space);
    if (!size.ok()) return size.status();
    if (*size == 0) return End();
    const std::span<const std::uint8_t> piece = std::span(space).first(*size);
    if (Status sent = socket_.Write(piece); !sent.ok()) return sent;
  }
}

Status DataConnection::SendText(std::string_view text) {
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (Status sent = socket_.Write(bytes); !sent.ok()) return sent;
  return End();
}

// Our close_notify is the end of what was sent. Then the peer's words are awaited, whatever they
// are: closing with its session tickets unread would be a reset, which may overtake our last
// records.
Status DataConnection::End() {
  if (protection_ == Protection::kClear) return {};
  if (Status ended = socket_.DetachSending(); !ended.ok()) return ended;
  const Deadline deadline(kAnswerTime);
  std::uint8_t byte = 0;
  const Result<ReadResult> answer = socket_.Read({&byte, 1}, deadline);
  if (answer.ok() && answer->event == ReadEvent::kBytes) {
    return Violation("the peer sent data on a connection that is for ours");
  }
  return {};
}

Status DataConnection::ReceiveFile(int file) {
  std::array<std::uint8_t, kPiece> space;
  for (;;) {
    const Result<ReadResult> read = socket_.Read(space);
    if (!read.ok()) return read.status();
    if (read->event != ReadEvent::kBytes) break;
    const std::span<const std::uint8_t> piece = std::span(space).first(read->size);
    if (Status written = WriteTo(file, piece); !written.ok()) return written;
  }
  return protection_ == Protection::kPrivate ? socket_.DetachSending() : Status();
}

}  // namespace detach
