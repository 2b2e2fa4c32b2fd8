#include "proxies/tunnel/endpoint.h"

#include <array>
#include <cstdint>
#include <span>

namespace detach {

IpAddress ToIpAddress(const asio::ip::address& address) {
  if (address.is_v4()) {
    const std::array<std::uint8_t, 4> bytes = address.to_v4().to_bytes();
    return IpAddress(std::span<const std::uint8_t, 4>(bytes));
  }
  const std::array<std::uint8_t, 16> bytes = address.to_v6().to_bytes();
  return IpAddress(std::span<const std::uint8_t, 16>(bytes));
}

std::string EndpointText(const asio::ip::tcp::endpoint& endpoint) {
  const IpAddress address = ToIpAddress(endpoint.address());
  const std::string text = address.is_ipv4() ? address.ToString() : "[" + address.ToString() + "]";
  return text + ":" + std::to_string(endpoint.port());
}

asio::ip::tcp::endpoint PeerEndpoint(const Socket& socket) {
  asio::error_code error;
  const asio::ip::tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? asio::ip::tcp::endpoint() : endpoint;
}

}  // namespace detach
