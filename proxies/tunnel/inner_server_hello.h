// What the cover rule wants to know of the inner ServerHello.
#ifndef DETACH_PROXIES_TUNNEL_INNER_SERVER_HELLO_H_
#define DETACH_PROXIES_TUNNEL_INNER_SERVER_HELLO_H_

#include <cstdint>
#include <optional>
#include <span>

namespace detach {

// ServerChoice is what a ServerHello settles.
enum class ServerChoice {
  kRetry,         // a HelloRetryRequest: another ClientHello follows (RFC 9846 §4.1.4)
  kTls13,         // TLS 1.3 with a suite that stands alone
  kTls12,         // TLS 1.2 with a suite that stands alone
  kStaysCovered,  // anything else
};

// StandsAlone reports whether a connection with `suite` may be raw: its records and its key
// exchange protect it without the outer TLS. The list is part of `v=1` of the protocol, so both
// ends must have the same (docs/PROTOCOL.md).
bool StandsAloneInTls13(std::uint16_t suite) noexcept;
bool StandsAloneInTls12(std::uint16_t suite) noexcept;

// ReadServerHello reads the body of a server_hello handshake message, without its four-byte header.
// nullopt: it is not well-formed.
std::optional<ServerChoice> ReadServerHello(std::span<const std::uint8_t> body) noexcept;

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_INNER_SERVER_HELLO_H_
