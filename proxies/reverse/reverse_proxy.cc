#include "proxies/reverse/reverse_proxy.h"

#include <array>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proxies/identity/certificate_names.h"
#include "proxies/log/log.h"
#include "proxies/net/dialer.h"
#include "proxies/net/stage_deadline.h"
#include "proxies/reverse/outer_leg.h"
#include "proxies/tunnel/connect_message.h"
#include "proxies/tunnel/covered_tunnel.h"
#include "proxies/tunnel/detach_agreement.h"
#include "proxies/tunnel/endpoint.h"
#include "proxies/tunnel/finish_tunnel.h"
#include "proxies/tunnel/tls_leg.h"
#include "proxies/tunnel/tunnel_cut.h"

namespace detach {
namespace {

constexpr std::string_view kName = "detach-reverse-proxy";

// How long a refused client may take to read why.
constexpr std::chrono::seconds kLinger{2};

}  // namespace

// One connection. Each stage returns what the next one needs, or nothing: then it has told the
// client and the log why, and the connection is over.
class ReverseConnection {
 public:
  ReverseConnection(ReverseProxy& proxy, Socket socket, Server::Place place)
      : proxy_(proxy),
        policy_(proxy.policy()),
        limits_(policy_->config.limits),
        id_(proxy.next_id_++),
        peer_endpoint_(PeerEndpoint(socket)),
        peer_(EndpointText(peer_endpoint_)),
        deadline_(socket.get_executor()),
        leg_(NewOuterLeg(std::move(socket), policy_, proxy.room_, place)),
        places_{std::move(place)} {}

  asio::awaitable<void> Run();

 private:
  asio::awaitable<bool> Handshake();
  asio::awaitable<std::optional<ConnectRequest>> ReadRequest();
  asio::awaitable<std::optional<Grant>> AuthorizeClient(const Authority& destination);
  asio::awaitable<std::optional<Socket>> DialDestination(const Authority& destination,
                                                         const Grant& grant);
  std::shared_ptr<TunnelCut> Register(const Authority& destination, const IpAddress& address);
  asio::awaitable<void> RunTunnel(const ConnectRequest& request, const Grant& grant,
                                  Socket destination);
  std::optional<DetachMode> AgreeOn(const ConnectRequest& request, const Grant& grant,
                                    std::string& answer);
  asio::awaitable<void> Refuse(Refusal refusal, std::string_view destination = {});
  bool TakePlace(Quota& quota, const std::string& key, int limit);
  void StartStage(std::string_view stage, std::chrono::milliseconds limit);

  ReverseProxy& proxy_;
  const std::shared_ptr<const ReversePolicy> policy_;
  const ReverseProxyLimits& limits_;
  const std::chrono::steady_clock::time_point accepted_ = std::chrono::steady_clock::now();
  const std::uint64_t id_;
  const asio::ip::tcp::endpoint peer_endpoint_;
  const std::string peer_;
  StageDeadline deadline_;
  const std::unique_ptr<TlsLeg> leg_;
  std::vector<std::shared_ptr<void>> places_;
  std::vector<Bytes> chain_;  // what the client has proved
  CertificateNames client_;
};

asio::awaitable<void> ReverseConnection::Run() {
  if (!co_await Handshake()) co_return;
  const std::optional<ConnectRequest> request = co_await ReadRequest();
  if (!request) co_return;
  const std::optional<Grant> grant = co_await AuthorizeClient(request->authority);
  if (!grant) co_return;
  std::optional<Socket> destination = co_await DialDestination(request->authority, *grant);
  if (!destination) co_return;
  co_await RunTunnel(*request, *grant, *std::move(destination));
}

bool ReverseConnection::TakePlace(Quota& quota, const std::string& key, int limit) {
  Quota::Place place = quota.Take(key, limit);
  if (!place) return false;
  places_.push_back(std::move(place));
  return true;
}

void ReverseConnection::StartStage(std::string_view stage, std::chrono::milliseconds limit) {
  deadline_.Start(stage, limit, [this] { leg_->Cancel(); });
}

asio::awaitable<bool> ReverseConnection::Handshake() {
  const auto refused = [this](std::string_view why) {
    Log(LogLevel::kWarning, "refused",
        {{"id", id_}, {"peer", peer_}, {"stage", "handshake"}, {"reason", why}});
  };
  const std::string source = ToIpAddress(peer_endpoint_.address()).ToString();
  if (!TakePlace(proxy_.sources_, source, limits_.max_connections_per_source)) {
    refused("too many connections from this address (limits.max_connections_per_source)");
    co_return false;
  }
  Quota::Place handshaking = proxy_.handshakes_.Take("", limits_.max_handshakes);
  if (!handshaking) {
    refused("too many handshakes at a time (limits.max_handshakes)");
    co_return false;
  }
  Result<std::unique_ptr<TlsBackend>> backend = policy_->tls->NewBackend();
  StartStage("TLS handshake", limits_.handshake);
  Status status = backend.status();
  if (status.ok()) status = co_await leg_->Handshake(*std::move(backend));
  if (status.ok()) {
    Result<HandshakeSummary> summary = leg_->Summary();
    if (!summary.ok()) {
      status = summary.status();
    } else if (summary->peer_chain.empty()) {
      status = Incompatible("the client sent no certificate");
    } else {
      chain_ = std::move(summary->peer_chain);
      Result<CertificateNames> names = ReadCertificateNames(chain_.front());
      status = names.status();
      if (names.ok()) client_ = *std::move(names);
    }
  }
  if (!status.ok()) {
    refused(deadline_.Explain(status).message());
    deadline_.Stop();
    handshaking.reset();  // lingering costs nothing
    co_await LingeringClose(std::move(leg_->socket()), kLinger);
    co_return false;
  }
  co_return true;
}

asio::awaitable<std::optional<ConnectRequest>> ReverseConnection::ReadRequest() {
  StartStage("CONNECT request", limits_.request);
  ConnectRequestParser parser;
  std::array<std::uint8_t, 4096> buffer;
  while (!parser.done()) {
    const Result<ReadResult> read = co_await leg_->Read(buffer);
    const bool bytes =
        read.ok() && read->event == ReadEvent::kBytes && read->origin == Origin::kTls;
    if (!bytes) {
      const Status status =
          read.ok() ? Truncated("the client left before its request was whole") : read.status();
      Log(LogLevel::kInfo, "refused",
          {{"id", id_},
           {"peer", peer_},
           {"client", client_.Identity()},
           {"stage", "request"},
           {"reason", deadline_.Explain(status).message()}});
      Reset(leg_->socket());
      co_return std::nullopt;
    }
    parser.Receive(std::span(buffer).first(read->size));
  }
  if (parser.refusal() != nullptr) {
    co_await Refuse(*parser.refusal());
    co_return std::nullopt;
  }
  if (leg_->session().unread() > 0) {
    co_await Refuse(PipelinedRefusal());
    co_return std::nullopt;
  }
  co_return *parser.request();
}

asio::awaitable<std::optional<Grant>> ReverseConnection::AuthorizeClient(
    const Authority& destination) {
  Result<Grant> grant = Authorize(policy_->config.allow, client_, destination);
  Refusal refusal{.status = 403, .proxy_error = "http_request_denied"};
  if (!grant.ok()) {
    refusal.message = grant.status().message();
  } else if (!TakePlace(proxy_.clients_, client_.spki_sha256, limits_.max_tunnels_per_client)) {
    refusal.status = 429;
    refusal.message = "too many tunnels for this client at a time";
  }
  if (!refusal.message.empty()) {
    co_await Refuse(std::move(refusal), destination.ToString());
    co_return std::nullopt;
  }
  co_return *std::move(grant);
}

Refusal DialRefusal(const DialError& error) {
  switch (error.failure) {
    case DialFailure::kName:
      return {.status = 502, .proxy_error = "dns_error", .message = error.reason};
    case DialFailure::kForbidden:
      return {.status = 403, .proxy_error = "destination_ip_prohibited", .message = error.reason};
    case DialFailure::kUnreachable:
      return {.status = 502, .proxy_error = "destination_unavailable", .message = error.reason};
    case DialFailure::kTimeout:
      return {.status = 504, .proxy_error = "connection_timeout", .message = error.reason};
  }
  return {};
}

asio::awaitable<std::optional<Socket>> ReverseConnection::DialDestination(
    const Authority& destination, const Grant& grant) {
  deadline_.Stop();
  const AddressFilter may_connect = [&grant](const asio::ip::address& address) {
    return grant.MayConnect(ToIpAddress(address));
  };
  std::variant<Socket, DialError> dialled =
      co_await Dial(destination.host, destination.port, may_connect, limits_.dial);
  if (const auto* error = std::get_if<DialError>(&dialled)) {
    co_await Refuse(DialRefusal(*error), destination.ToString());
    co_return std::nullopt;
  }
  co_return std::get<Socket>(std::move(dialled));
}

std::optional<DetachMode> ReverseConnection::AgreeOn(const ConnectRequest& request,
                                                     const Grant& grant, std::string& answer) {
  if (!request.tls_detach) return std::nullopt;
  const DetachModes& modes = policy_->config.detach;
  const Agreement agreement =
      AgreeToDetach(leg_->outer_connection(), *request.tls_detach, grant.detach && modes.covered,
                    grant.detach && modes.connect);
  if (!agreement.mode) {
    Log(LogLevel::kInfo, "not_detaching",
        {{"id", id_}, {"client", client_.Identity()}, {"reason", agreement.why_not}});
  }
  answer = agreement.field;
  return agreement.mode;
}

// From here on a reload can end the tunnel. One that came since the accept has not seen it.
std::shared_ptr<TunnelCut> ReverseConnection::Register(const Authority& destination,
                                                       const IpAddress& address) {
  auto cut = std::make_shared<TunnelCut>();
  const auto end = [cut, id = id_, &relay = proxy_.relay_,
                    executor = leg_->socket().get_executor()](const Status& why) {
    // On the thread that hands the tunnel over: it is either not yet in the relay, or there.
    asio::post(executor, [cut, id, &relay, why] {
      cut->Request(why);
      relay.EndIf([id](std::uint64_t other) { return other == id; });
    });
  };
  places_.push_back(proxy_.tunnels_.Add(chain_, client_, {id_, destination, address, end}));
  if (const auto newer = proxy_.policy(); newer != policy_) {
    proxy_.tunnels_.EndWhatIsForbidden(*newer, chain_.front());
  }
  return cut;
}

asio::awaitable<void> ReverseConnection::RunTunnel(const ConnectRequest& request,
                                                   const Grant& grant, Socket destination) {
  std::string field;
  CoveredTunnelOptions options;
  options.side = Side::kReverseProxy;
  options.agreed = AgreeOn(request, grant, field);
  options.limits = {limits_.idle, limits_.lifetime, limits_.detach};
  const asio::ip::tcp::endpoint dialled = PeerEndpoint(destination);
  options.cut = Register(request.authority, ToIpAddress(dialled.address()));

  TunnelOwner owner;
  owner.side = Side::kReverseProxy;
  owner.accepted = accepted_;
  owner.record.id = id_;
  owner.record.peer = peer_;
  owner.record.client = client_.Identity();
  owner.record.destination = request.authority.ToString();
  owner.record.dialled = EndpointText(dialled);
  owner.record.mode = options.agreed ? DetachModeName(*options.agreed) : "none";
  owner.places = std::move(places_);

  const std::string answer =
      SerializeConnected(options.agreed ? std::optional<std::string_view>(field) : std::nullopt);
  const CoveredTunnelLimits limits = options.limits;
  CoveredTunnelEnd end;
  if (options.agreed) end.status = leg_->ExpectDetach();
  if (end.status.ok()) end.status = co_await leg_->Write(AsBytes(answer));
  if (end.status.ok()) end = co_await RunCoveredTunnel(*leg_, destination, std::move(options));
  FinishTunnel(std::move(end), std::move(owner), limits, proxy_.relay_);
}

asio::awaitable<void> ReverseConnection::Refuse(Refusal refusal, std::string_view destination) {
  Log(LogLevel::kWarning, "refused",
      {{"id", id_},
       {"peer", peer_},
       {"client", client_.Identity()},
       {"destination", destination},
       {"status", refusal.status},
       {"reason", refusal.message}});
  StartStage("refusal", limits_.request);
  const std::string answer = SerializeRefusal(refusal, kName);
  Status status = co_await leg_->Write(AsBytes(answer));
  if (status.ok()) status = leg_->Detach();  // the answer's authenticated end
  if (status.ok()) status = co_await leg_->Flush();
  deadline_.Stop();
  if (status.ok()) co_await LingeringClose(std::move(leg_->socket()), kLinger);
}

asio::awaitable<void> ReverseProxy::Serve(Socket socket, Server::Place place) {
  ReverseConnection connection(*this, std::move(socket), std::move(place));
  co_await connection.Run();
}

std::shared_ptr<const ReversePolicy> ReverseProxy::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

void ReverseProxy::SetPolicy(const std::shared_ptr<const ReversePolicy>& policy) {
  {
    const std::lock_guard lock(mutex_);
    policy_ = policy;
  }
  tunnels_.EndWhatIsForbidden(*policy);
}

}  // namespace detach
