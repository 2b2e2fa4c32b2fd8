#include "proxies/tunnel/inner_handshake_observer.h"

#include <algorithm>
#include <cassert>

namespace detach {
namespace {

constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;

constexpr std::uint16_t kTls10Version = 0x0301;  // of a first ClientHello's record
constexpr std::uint16_t kTls12Version = 0x0303;  // of every record of TLS 1.2 and 1.3

constexpr auto kFirstByteOfData = static_cast<std::uint8_t>(ContentType::kApplicationData);

// No alert, handshake or ChangeCipherSpec record is empty (RFC 9846 §5.1, RFC 5246 §6.2.1).
std::optional<RecordHeader> ParseInnerHeader(
    std::span<const std::uint8_t, kRecordHeaderSize> bytes) {
  const std::optional<RecordHeader> header = ParseRecordHeader(bytes);
  if (!header || header->version < kTls10Version || header->version > kTls12Version) {
    return std::nullopt;
  }
  const bool is_data = header->type == ContentType::kApplicationData;
  if (is_data ? header->version != kTls12Version : header->length == 0) return std::nullopt;
  return header;
}

// Copies from `bytes` what `part`, of which `filled` bytes are there, still lacks.
std::size_t Fill(std::span<std::uint8_t> part, std::size_t& filled,
                 std::span<const std::uint8_t> bytes) {
  const std::size_t size = std::min(part.size() - filled, bytes.size());
  std::copy_n(bytes.begin(), size, part.begin() + filled);
  filled += size;
  return size;
}

}  // namespace

InnerHandshakeObserver::Cut InnerHandshakeObserver::Send(Direction direction,
                                                         std::span<const std::uint8_t> bytes) {
  const Stream& sent = stream(direction);
  std::size_t covered = 0;
  while (covered < bytes.size() && !sent.broken) {
    const auto rest = bytes.subspan(covered);
    if (MayTurnRaw(direction, rest[0])) {
      if (rest.size() < kRecordHeaderSize) return {covered, false};
      if (ParseInnerHeader(rest.first<kRecordHeaderSize>())) return {covered, true};
    }
    covered += Take(direction, rest);
  }
  return {bytes.size(), false};
}

void InnerHandshakeObserver::Receive(Direction direction, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty() && !stream(direction).broken) {
    bytes = bytes.subspan(Take(direction, bytes));
  }
}

bool InnerHandshakeObserver::MayTurnRaw(Direction direction, std::uint8_t first) const noexcept {
  return first == kFirstByteOfData && stream(direction).at_boundary() && armed(direction);
}

bool InnerHandshakeObserver::armed(Direction direction) const noexcept {
  const Stream& observed = stream(direction);
  if (observed.broken || client_hellos_ < client_hellos_due_) return false;
  return choice_ == ServerChoice::kTls13 ||
         (choice_ == ServerChoice::kTls12 && observed.change_cipher_spec);
}

// Takes no more than the rest of a header, or of a body. Precondition: !bytes.empty().
std::size_t InnerHandshakeObserver::Take(Direction direction, std::span<const std::uint8_t> bytes) {
  Stream& observed = stream(direction);
  if (observed.body_left == 0) {
    const std::size_t size = Fill(observed.header, observed.header_size, bytes);
    if (observed.header_size == kRecordHeaderSize) BeginRecord(direction);
    return size;
  }
  const std::size_t size = std::min(observed.body_left, bytes.size());
  observed.body_left -= size;
  if (observed.type == ContentType::kHandshake) TakeHandshake(direction, bytes.first(size));
  return size;
}

void InnerHandshakeObserver::BeginRecord(Direction direction) {
  Stream& observed = stream(direction);
  const std::optional<RecordHeader> header = ParseInnerHeader(observed.header);
  if (!header || !MayBegin(direction, *header)) {
    observed.broken = true;
    return;
  }
  observed.header_size = 0;
  observed.body_left = header->length;
  observed.type = header->type;
  // RFC 9846 §5: in TLS 1.3 the record means nothing; and one that a client sends before it knows
  // what the server chose (to please middleboxes) is not TLS 1.2's.
  if (header->type == ContentType::kChangeCipherSpec && choice_ == ServerChoice::kTls12) {
    observed.change_cipher_spec = true;
  }
}

// A stream begins with its hello: a client's with nothing before it, a server's perhaps with an
// alert (a warning about the name), or the ChangeCipherSpec between HelloRetryRequest and
// ServerHello. What begins otherwise is not TLS.
bool InnerHandshakeObserver::MayBegin(Direction direction,
                                      const RecordHeader& header) const noexcept {
  if (direction == Direction::kClientToServer) {
    return client_hellos_ > 0 || header.type == ContentType::kHandshake;
  }
  return choice_ || header.type != ContentType::kApplicationData;
}

void InnerHandshakeObserver::TakeHandshake(Direction direction,
                                           std::span<const std::uint8_t> fragment) {
  const Stream& observed = stream(direction);
  while (!fragment.empty() && !observed.messages.done && !observed.broken) {
    fragment = fragment.subspan(TakeMessage(direction, fragment));
  }
}

// Takes no more than the rest of a message's header, or of its body.
std::size_t InnerHandshakeObserver::TakeMessage(Direction direction,
                                                std::span<const std::uint8_t> fragment) {
  Messages& messages = stream(direction).messages;
  std::size_t size = 0;
  if (messages.header_size < messages.header.size()) {
    size = Fill(messages.header, messages.header_size, fragment);
    if (messages.header_size < messages.header.size()) return size;
    BeginMessage(direction);
  } else {
    size = std::min(messages.body_left, fragment.size());
    messages.body_left -= size;
    if (direction == Direction::kServerToClient) {
      server_hello_.insert(server_hello_.end(), fragment.begin(), fragment.begin() + size);
    }
  }
  if (messages.body_left == 0 && !messages.done) EndMessage(direction);
  return size;
}

void InnerHandshakeObserver::BeginMessage(Direction direction) {
  Stream& observed = stream(direction);
  Messages& messages = observed.messages;
  const auto& header = messages.header;
  messages.body_left = static_cast<std::size_t>(header[1] << 16 | header[2] << 8 | header[3]);
  if (direction == Direction::kServerToClient) {
    observed.broken = header[0] != kServerHello || messages.body_left > kMaxServerHello;
  } else if (header[0] != kClientHello) {
    // Behind the first ClientHello stands a second one or, in TLS 1.2, the client's key exchange:
    // then all that counts is known.
    observed.broken = client_hellos_ == 0;
    messages.done = true;
  }
}

void InnerHandshakeObserver::EndMessage(Direction direction) {
  stream(direction).messages.header_size = 0;
  if (direction == Direction::kServerToClient) {
    EndServerHello();
  } else {
    stream(direction).messages.done = ++client_hellos_ == 2;
  }
}

void InnerHandshakeObserver::EndServerHello() {
  Stream& observed = stream(Direction::kServerToClient);
  if (observed.broken) return;
  const std::optional<ServerChoice> choice = ReadServerHello(server_hello_);
  // RFC 9846 §4.1.4: a second HelloRetryRequest is an error.
  const bool second_retry = choice == ServerChoice::kRetry && client_hellos_due_ == 2;
  if (!choice || second_retry) {
    observed.broken = true;
  } else if (choice == ServerChoice::kRetry) {
    client_hellos_due_ = 2;
  } else {
    choice_ = choice;
    observed.messages.done = true;
  }
  // clear() alone would keep the memory for the life of the tunnel.
  std::vector<std::uint8_t>().swap(server_hello_);
}

}  // namespace detach
