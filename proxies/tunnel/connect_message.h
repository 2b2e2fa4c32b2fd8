// CONNECT requests and responses, without I/O (RFC 9110 §9.3.6, RFC 9112, RFC 9931).
#ifndef DETACH_PROXIES_TUNNEL_CONNECT_MESSAGE_H_
#define DETACH_PROXIES_TUNNEL_CONNECT_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "bio/status.h"
#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/header_block.h"

namespace detach {

// ConnectRequest is what a proxy acts on; all other fields of the request are dropped.
struct ConnectRequest {
  Authority authority;
  std::optional<std::string> tls_detach;  // the field's value, if listed in Connection
};

// Refusal is a request's answer other than 200. After it is sent the connection closes, and not
// another byte of it is read (RFC 9931 §4: or the next bytes of an attacker become a request).
struct Refusal {
  unsigned status = 400;    // HTTP status code
  std::string proxy_error;  // error type of RFC 9209 §2.3; empty: none fits
  std::string message;      // for a person: what was wrong and what to do
  // The Proxy-Status of the proxy behind this one, if this passes its answer on.
  std::string received_proxy_status;
};

// ConnectRequestParser takes one request. Only `CONNECT host:port HTTP/1.1` is one, with
// * a Host field that names the same host, and the same port or none;
// * visible ASCII and spaces only; no line folding, no bare CR or LF;
// * no Content-Length and no Transfer-Encoding: a tunnel has no body;
// * at most HeaderBlock::kMaxSize bytes and kMaxFields fields.
// Everything else is a Refusal: 400, 405 (a well-formed request with another method), 431, 505.
//
// A client has to wait for the 2xx (RFC 9931 §4). Bytes behind the header are therefore two
// requests in one segment, or an attempt at it, and refused (400). The owner that has read more by
// itself refuses with PipelinedRefusal(). One thread at a time.
class ConnectRequestParser {
 public:
  static constexpr std::size_t kMaxFields = 64;

  // Receive takes bytes as they came, in any pieces. Precondition: !done().
  void Receive(std::span<const std::uint8_t> bytes);

  // done reports that the request is decided. A request is refused as early as can be.
  bool done() const noexcept { return outcome_.has_value(); }

  // Precondition of both: done(). One of them is null.
  const ConnectRequest* request() const { return std::get_if<ConnectRequest>(&*outcome_); }
  const Refusal* refusal() const { return std::get_if<Refusal>(&*outcome_); }

 private:
  HeaderBlock header_;
  std::optional<std::variant<ConnectRequest, Refusal>> outcome_;
};

// PipelinedRefusal is the answer to a client that did not wait for the 2xx.
Refusal PipelinedRefusal();

// ConnectResponse is a proxy's final answer to CONNECT. A body, if any, is not looked at.
struct ConnectResponse {
  unsigned status = 0;  // 200 to 599
  std::string reason;
  std::optional<std::string> tls_detach;  // the field's value, if listed in Connection
  std::string proxy_status;               // RFC 9209, empty: none

  bool ok() const noexcept { return status / 100 == 2; }
};

// ConnectResponseParser takes one final response; 1xx responses before it are skipped. HTTP/1.0 is
// taken too, since old proxies answer so. The rules on bytes and sizes are those of the request;
// the length of a 2xx's "body" is ignored (RFC 9110 §9.3.6). One thread at a time.
class ConnectResponseParser {
 public:
  // Receive returns how many of `bytes` it took: all of them unless done() then. What it did not
  // take behind a 2xx are the tunnel's first bytes. Precondition: !done().
  std::size_t Receive(std::span<const std::uint8_t> bytes);

  bool done() const noexcept { return outcome_.has_value(); }

  // result returns the response, or kViolation. Precondition: done().
  const Result<ConnectResponse>& result() const { return *outcome_; }

 private:
  static constexpr int kMaxInterim = 8;

  HeaderBlock header_;
  int interim_ = 0;
  std::optional<Result<ConnectResponse>> outcome_;
};

// SerializeConnectRequest returns the request for `authority`; with `tls_detach`, the field of that
// value, listed in Connection.
std::string SerializeConnectRequest(const Authority& authority,
                                    std::optional<std::string_view> tls_detach);

// SerializeConnected returns the 200 that opens a tunnel; `tls_detach` as above.
std::string SerializeConnected(std::optional<std::string_view> tls_detach);

// SerializeRefusal returns the whole response: Connection: close, Proxy-Status of `proxy` (a token:
// the name of this program), and the message as a short text body. Never any CORS field: a web page
// that talks to a proxy on loopback learns nothing.
std::string SerializeRefusal(const Refusal& refusal, std::string_view proxy);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_CONNECT_MESSAGE_H_
