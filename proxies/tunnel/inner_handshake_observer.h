// The cover rule: up to where the inner stream has to stay under the outer TLS.
#ifndef DETACH_PROXIES_TUNNEL_INNER_HANDSHAKE_OBSERVER_H_
#define DETACH_PROXIES_TUNNEL_INNER_HANDSHAKE_OBSERVER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bio/record/record_header.h"
#include "proxies/tunnel/inner_server_hello.h"

namespace detach {

enum class Direction { kClientToServer, kServerToClient };

// InnerHandshakeObserver reads along in both directions of one tunnel, and says when each may leave
// the outer TLS. A direction is *armed* once
//   * the client's ClientHello has passed, and as many as the server has asked for (a second one
//     after a HelloRetryRequest: it has the SNI in it, and 0-RTT records may come before it);
//   * a ServerHello has passed that chose a suite that stands alone;
//   * for inner TLS 1.2, this direction's ChangeCipherSpec has followed;
//   * this direction has been nothing but TLS records so far.
// Its sender detaches right before the first application_data record that begins after that.
// Whatever is no TLS, or not this kind of TLS, is never armed: it stays covered for good.
//
// Each proxy has one observer, calls Send with what it passes on to the other proxy and Receive
// with what comes from there under TLS, each before it passes the bytes on. Then the two never
// disagree: armed never turns back; and what arms a direction has passed the receiver of that
// direction already when its sender sees it, since it came in that direction, or in the other one
// through the receiver's own hands. That is why a broken stream spoils its own direction and, as
// long as a hello is missing, both; but takes nothing back from the other one.
//
// Bytes may come in any pieces; the result is the same. Keeps at most kMaxServerHello bytes, and
// only while a ServerHello is on its way. What is raw is not observed any more: an inner TLS 1.2
// renegotiation (encrypted, as all there) is the two inner ends' own affair. One thread at a time.
class InnerHandshakeObserver {
 public:
  // Post-quantum key shares take 1.6 KB. A server that needs more stays covered.
  static constexpr std::size_t kMaxServerHello = 8 * 1024;

  // Cut says what becomes of the bytes that Send was given.
  struct Cut {
    std::size_t covered;  // so many of them go under the outer TLS
    // True: all that follows is raw; close_notify goes in between, and this direction is not
    // observed any more. False: what follows, at most 4 bytes, is the beginning of a header that
    // may turn out to be the place; keep it, and give it again with what comes behind it. If
    // nothing comes (end of stream), it goes under the outer TLS unobserved.
    bool detach;
  };

  Cut Send(Direction direction, std::span<const std::uint8_t> bytes);

  // Receive takes bytes that came under the outer TLS.
  void Receive(Direction direction, std::span<const std::uint8_t> bytes);

  // MayTurnRaw reports whether `direction`, whose close_notify has come, may go on raw with
  // `first`. Else close_notify was the end of the stream, and any byte behind it is a violation.
  bool MayTurnRaw(Direction direction, std::uint8_t first) const noexcept;

  bool armed(Direction direction) const noexcept;

 private:
  // The handshake messages of one direction, as far as they are hellos in clear.
  struct Messages {
    std::array<std::uint8_t, 4> header = {};
    std::size_t header_size = 0;  // <= 4; at 4 the message's body is in progress
    std::size_t body_left = 0;
    bool done = false;  // nothing that follows is looked at
  };

  struct Stream {
    std::array<std::uint8_t, kRecordHeaderSize> header = {};
    std::size_t header_size = 0;  // < 5; at 5 it is judged and this returns to 0
    std::size_t body_left = 0;
    ContentType type = ContentType::kHandshake;  // of the record in progress
    bool change_cipher_spec = false;             // behind a ServerHello that chose TLS 1.2
    bool broken = false;                         // no TLS records any more, for good
    Messages messages;

    bool at_boundary() const noexcept { return header_size == 0 && body_left == 0; }
  };

  Stream& stream(Direction direction) noexcept { return streams_[static_cast<int>(direction)]; }
  const Stream& stream(Direction direction) const noexcept {
    return streams_[static_cast<int>(direction)];
  }

  std::size_t Take(Direction direction, std::span<const std::uint8_t> bytes);
  void BeginRecord(Direction direction);
  bool MayBegin(Direction direction, const RecordHeader& header) const noexcept;
  void TakeHandshake(Direction direction, std::span<const std::uint8_t> fragment);
  std::size_t TakeMessage(Direction direction, std::span<const std::uint8_t> fragment);
  void BeginMessage(Direction direction);
  void EndMessage(Direction direction);
  void EndServerHello();

  std::array<Stream, 2> streams_;
  int client_hellos_ = 0;
  int client_hellos_due_ = 1;               // 2 after a HelloRetryRequest
  std::optional<ServerChoice> choice_;      // never kRetry
  std::vector<std::uint8_t> server_hello_;  // the body so far of the one in progress
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_INNER_HANDSHAKE_OBSERVER_H_
