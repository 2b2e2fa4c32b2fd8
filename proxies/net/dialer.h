// Dialling: resolve once, filter the addresses, connect to exactly those.
#ifndef DETACH_PROXIES_NET_DIALER_H_
#define DETACH_PROXIES_NET_DIALER_H_

#include <asio/awaitable.hpp>
#include <asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "bio/status.h"
#include "proxies/net/async_io.h"

namespace detach {

// AddressFilter says whether an address may be connected to.
using AddressFilter = std::function<bool(const asio::ip::address&)>;

enum class DialFailure { kName, kForbidden, kUnreachable, kTimeout };

struct DialError {
  DialFailure failure;
  std::string reason;  // for the log and the client
};

// Dial connects to `host` (a name or an address literal) and `port` within `limit`. A name is
// resolved once; what `may_connect` refuses is not tried, the rest in the resolver's order. So the
// address that was checked is the address that is dialled, whatever DNS answers next (threat C3).
asio::awaitable<std::variant<Socket, DialError>> Dial(std::string host, std::uint16_t port,
                                                      AddressFilter may_connect,
                                                      std::chrono::milliseconds limit);

}  // namespace detach

#endif  // DETACH_PROXIES_NET_DIALER_H_
