// Asio's endpoints in the project's words.
#ifndef DETACH_PROXIES_TUNNEL_ENDPOINT_H_
#define DETACH_PROXIES_TUNNEL_ENDPOINT_H_

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <string>

#include "proxies/net/async_io.h"
#include "proxies/tunnel/ip_address.h"

namespace detach {

// ToIpAddress drops the zone of an IPv6 address.
IpAddress ToIpAddress(const asio::ip::address& address);

// EndpointText returns "192.0.2.1:443" or "[2001:db8::1]:443".
std::string EndpointText(const asio::ip::tcp::endpoint& endpoint);

// PeerEndpoint returns the far end of `socket`, or 0.0.0.0:0 where it is gone already.
asio::ip::tcp::endpoint PeerEndpoint(const Socket& socket);

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_ENDPOINT_H_
