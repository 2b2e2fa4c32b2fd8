#include "proxies/client/connect_through.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "proxies/tunnel/connect_message.h"

namespace detach {

asio::awaitable<Status> ConnectThrough(Socket& socket, const Authority& target) {
  const std::string request = SerializeConnectRequest(target, std::nullopt);
  if (const Status status = co_await SendAll(socket, AsBytes(request)); !status.ok()) {
    co_return status;
  }
  ConnectResponseParser parser;
  std::array<std::uint8_t, 4096> buffer;
  while (!parser.done()) {
    const Result<Received> received = co_await Receive(socket, buffer);
    if (!received.ok()) co_return received.status();
    if (received->arrival == Arrival::kEnd) co_return Truncated("it left without an answer");
    const std::span<const std::uint8_t> bytes = std::span(buffer).first(received->size);
    if (parser.Receive(bytes) < bytes.size() && parser.result().ok() && parser.result()->ok()) {
      // The reverse proxy is a TLS server, and those do not speak first.
      co_return Violation("bytes behind its answer");
    }
  }
  const Result<ConnectResponse>& response = parser.result();
  if (!response.ok()) co_return response.status();
  if (response->ok()) co_return Status();
  co_return Incompatible("it refused: " + std::to_string(response->status) + " " +
                         response->reason);
}

}  // namespace detach
