#include "proxies/client/certificate_inquiry.h"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "bio/backend/by_name/named_backend.h"
#include "bio/backend/tls_backend.h"
#include "proxies/client/connect_through.h"
#include "proxies/net/async_io.h"
#include "proxies/net/dialer.h"
#include "proxies/net/stage_deadline.h"
#include "proxies/tunnel/tls_leg.h"

namespace detach {
namespace {

bool AnyAddress(const asio::ip::address& /*address*/) { return true; }

std::function<void()> Cancelling(Socket& socket) {
  return [&socket] {
    asio::error_code ignored;
    socket.cancel(ignored);
  };
}

Status Of(const std::string& whom, const Status& status) {
  return status.ok() ? status : Status(status.fault(), whom + ": " + status.message());
}

// What `config` and `server` refer to outlives the coroutines.
asio::awaitable<Result<Socket>> Reach(const ClientProxyConfig& config, const Authority& server) {
  const Authority& first = config.via ? *config.via : server;
  std::variant<Socket, DialError> dialled =
      co_await Dial(first.host, first.port, AnyAddress, config.limits.dial);
  if (const auto* error = std::get_if<DialError>(&dialled)) {
    co_return Transport("cannot connect to " + first.ToString() + ": " + error->reason);
  }
  Socket socket = std::get<Socket>(std::move(dialled));
  if (!config.via) co_return std::move(socket);
  StageDeadline deadline(socket.get_executor());
  deadline.Start("CONNECT", config.limits.response, Cancelling(socket));
  const Status status = co_await ConnectThrough(socket, server);
  deadline.Stop();
  if (status.ok()) co_return std::move(socket);
  co_return Of("proxy in between (via) " + first.ToString(), deadline.Explain(status));
}

asio::awaitable<void> ShakeHands(const ClientProxyConfig& config, const Authority& server,
                                 std::unique_ptr<TlsBackend> backend, Status& ended) {
  Result<Socket> socket = co_await Reach(config, server);
  if (!socket.ok()) {
    ended = socket.status();
    co_return;
  }
  TlsLeg leg(*std::move(socket));
  StageDeadline deadline(leg.socket().get_executor());
  deadline.Start("TLS handshake", config.limits.handshake, Cancelling(leg.socket()));
  const Status status = co_await leg.Handshake(std::move(backend));
  deadline.Stop();
  ended = Of(server.ToString(), deadline.Explain(status));
}

}  // namespace

Result<std::optional<CertificateRequest>> AskForRequest(const ClientProxyConfig& config,
                                                        const Authority& server) {
  std::optional<CertificateRequest> asked;
  TlsConfig tls = config.tls;
  tls.reference_identity = server.host;
  tls.choose_identity = [&asked](const CertificateRequest& request) {
    asked = request;
    return std::shared_ptr<const Identity>();
  };
  const Result<std::unique_ptr<TlsContext>> context = NewTlsContext(config.backend, tls);
  if (!context.ok()) return context.status();
  Result<std::unique_ptr<TlsBackend>> backend = (*context)->NewBackend();
  if (!backend.ok()) return backend.status();

  asio::io_context io;
  Status ended;
  asio::co_spawn(io, ShakeHands(config, server, *std::move(backend), ended), asio::detached);
  io.run();
  // Whoever asks us has proved who it is. That it then refuses who comes without a certificate, in
  // the handshake already (TLS 1.2), does not matter any more.
  if (!ended.ok() && !asked) return ended;
  return asked;
}

}  // namespace detach
