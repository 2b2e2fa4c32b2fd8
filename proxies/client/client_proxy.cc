#include "proxies/client/client_proxy.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "proxies/client/connect_through.h"
#include "proxies/log/log.h"
#include "proxies/net/dialer.h"
#include "proxies/net/peer_user.h"
#include "proxies/net/stage_deadline.h"
#include "proxies/tunnel/connect_message.h"
#include "proxies/tunnel/covered_tunnel.h"
#include "proxies/tunnel/detach_agreement.h"
#include "proxies/tunnel/endpoint.h"
#include "proxies/tunnel/finish_tunnel.h"
#include "proxies/tunnel/tls_leg.h"

namespace detach {
namespace {

constexpr std::string_view kName = "detach-client-proxy";

// How long a refused browser may take to read why.
constexpr std::chrono::seconds kLinger{2};

bool AnyAddress(const asio::ip::address& /*address*/) { return true; }

}  // namespace

// One connection of a browser. Each stage returns what the next one needs, or nothing: then it has
// told the browser and the log why, and the connection is over.
class ClientConnection {
 public:
  ClientConnection(ClientProxy& proxy, Socket socket, Server::Place place)
      : proxy_(proxy),
        policy_(proxy.policy()),
        limits_(policy_->config.limits),
        deadline_(socket.get_executor()),
        browser_(std::move(socket)) {
    owner_.record.id = proxy.next_id_++;
    owner_.record.peer = EndpointText(PeerEndpoint(browser_));
    owner_.places.push_back(std::move(place));
    owner_.side = Side::kClientProxy;
  }

  asio::awaitable<void> Run();

 private:
  // The reverse proxy's 2xx, and what it agreed to.
  struct Connected {
    std::optional<DetachMode> agreed;
    Bytes early;  // the tunnel's first bytes, which came with the answer
  };

  bool IsOwnUser() const;
  asio::awaitable<std::optional<ConnectRequest>> ReadRequest();
  void LogHalfRequest(const Status& status);
  bool IsMapped(const Authority& destination) const;
  asio::awaitable<void> RunDirect(Authority destination);
  asio::awaitable<void> RunThroughReverseProxy(Authority destination);
  asio::awaitable<std::optional<Socket>> DialOrRefuse(Authority target);
  asio::awaitable<std::optional<Socket>> DialReverseProxy();
  asio::awaitable<bool> Handshake(TlsLeg& outer);
  asio::awaitable<std::optional<Connected>> RequestTunnel(TlsLeg& outer, Authority destination);
  asio::awaitable<Result<ConnectResponse>> Exchange(TlsLeg& outer, std::string request,
                                                    Bytes& early);
  asio::awaitable<Status> AnswerBrowser();
  CoveredTunnelLimits TunnelLimits() const {
    return {limits_.idle, limits_.lifetime, limits_.detach};
  }
  std::optional<DetachMode> AskedMode(const TlsSession& outer) const;
  asio::awaitable<void> Refuse(Refusal refusal);
  asio::awaitable<void> RefuseOuter(Status status);
  void StartStage(std::string_view stage, std::chrono::milliseconds limit, Socket& socket);

  ClientProxy& proxy_;
  const std::shared_ptr<const ClientPolicy> policy_;
  const ClientProxyLimits& limits_;
  StageDeadline deadline_;
  Socket browser_;
  TunnelOwner owner_;
};

asio::awaitable<void> ClientConnection::Run() {
  if (!IsOwnUser()) co_return Reset(browser_);
  std::optional<ConnectRequest> request = co_await ReadRequest();
  if (!request) co_return;
  owner_.record.destination = request->authority.ToString();
  if (IsMapped(request->authority)) {
    co_await RunThroughReverseProxy(std::move(request->authority));
  } else {
    co_await RunDirect(std::move(request->authority));
  }
}

// Another user of this machine must not go out with our certificate.
// Peers that are not on loopback come only where the operator said unsafe_listen.
bool ClientConnection::IsOwnUser() const {
  asio::error_code error;
  const asio::ip::tcp::endpoint peer = PeerEndpoint(browser_);
  const asio::ip::tcp::endpoint local = browser_.local_endpoint(error);
  // A peer that has gone has no address any more: nobody's, so not a stranger's either.
  const bool gone = error || peer.address().is_unspecified();
  if (!gone && !peer.address().is_loopback()) return true;
  const Result<uid_t> user = LoopbackPeerUser(peer, local);
  if (user.ok() && *user == ::geteuid()) return true;
  Log(LogLevel::kWarning, "refused",
      {{"id", owner_.record.id},
       {"peer", owner_.record.peer},
       {"stage", "accept"},
       {"reason", user.ok() ? "the peer is user " + std::to_string(*user) + " of this machine"
                            : user.status().message()}});
  return false;
}

void ClientConnection::StartStage(std::string_view stage, std::chrono::milliseconds limit,
                                  Socket& socket) {
  deadline_.Start(stage, limit, [&socket] {
    asio::error_code ignored;
    socket.cancel(ignored);
  });
}

asio::awaitable<std::optional<ConnectRequest>> ClientConnection::ReadRequest() {
  StartStage("CONNECT request", limits_.request, browser_);
  ConnectRequestParser parser;
  std::array<std::uint8_t, 4096> buffer;
  bool begun = false;
  while (!parser.done()) {
    const Result<Received> received = co_await Receive(browser_, buffer);
    if (!received.ok() || received->arrival == Arrival::kEnd) {
      // A browser that opens a connection and leaves is no event: they do so in advance.
      if (begun) LogHalfRequest(received.status());
      co_return std::nullopt;
    }
    begun = true;
    parser.Receive(std::span(buffer).first(received->size));
  }
  deadline_.Stop();
  if (parser.refusal() != nullptr) {
    co_await Refuse(*parser.refusal());
    co_return std::nullopt;
  }
  co_return *parser.request();
}

void ClientConnection::LogHalfRequest(const Status& status) {
  const Status why =
      status.ok() ? Truncated("the browser left before its request was whole") : status;
  Log(LogLevel::kInfo, "refused",
      {{"id", owner_.record.id},
       {"peer", owner_.record.peer},
       {"stage", "request"},
       {"reason", deadline_.Explain(why).message()}});
}

bool ClientConnection::IsMapped(const Authority& destination) const {
  return std::ranges::any_of(
      policy_->config.mapped_hosts,
      [&destination](const HostPattern& pattern) { return pattern.Matches(destination); });
}

asio::awaitable<std::optional<Socket>> ClientConnection::DialOrRefuse(Authority target) {
  std::variant<Socket, DialError> dialled =
      co_await Dial(target.host, target.port, AnyAddress, limits_.dial);
  if (const auto* error = std::get_if<DialError>(&dialled)) {
    Refusal refusal;
    const bool timeout = error->failure == DialFailure::kTimeout;
    refusal.status = timeout ? 504 : 502;
    refusal.proxy_error = timeout ? "connection_timeout" : "destination_unavailable";
    refusal.message = "cannot connect to " + target.ToString() + ": " + error->reason;
    co_await Refuse(std::move(refusal));
    co_return std::nullopt;
  }
  co_return std::get<Socket>(std::move(dialled));
}

asio::awaitable<Status> ClientConnection::AnswerBrowser() {
  StartStage("answer", limits_.request, browser_);
  const std::string answer = SerializeConnected(std::nullopt);
  const Status status = co_await SendAll(browser_, AsBytes(answer));
  deadline_.Stop();
  co_return status;
}

// What is not mapped goes as it would without us: TCP to the destination, raw from the beginning.
asio::awaitable<void> ClientConnection::RunDirect(Authority destination) {
  std::optional<Socket> socket = co_await DialOrRefuse(std::move(destination));
  if (!socket) co_return;
  owner_.record.mode = "direct";
  owner_.record.dialled = EndpointText(PeerEndpoint(*socket));
  CoveredTunnelEnd end;
  end.status = co_await AnswerBrowser();
  if (end.status.ok()) {
    end.raw.emplace();
    end.raw->a = UniqueFd(socket->release());
    end.raw->b = UniqueFd(browser_.release());
  }
  FinishTunnel(std::move(end), std::move(owner_), TunnelLimits(), proxy_.relay_);
}

asio::awaitable<void> ClientConnection::RunThroughReverseProxy(Authority destination) {
  std::optional<Socket> socket = co_await DialReverseProxy();
  if (!socket) co_return;
  owner_.record.dialled = EndpointText(PeerEndpoint(*socket));
  ThreadRoom* const room = policy_->config.database->blocks() ? &proxy_.room_ : nullptr;
  TlsLeg outer(*std::move(socket), room);
  if (!co_await Handshake(outer)) co_return;
  std::optional<Connected> connected = co_await RequestTunnel(outer, std::move(destination));
  if (!connected) co_return;

  owner_.record.client = policy_->certificates->last_answer();
  owner_.record.mode = connected->agreed ? DetachModeName(*connected->agreed) : "none";
  CoveredTunnelOptions options;
  options.side = Side::kClientProxy;
  options.agreed = connected->agreed;
  options.early = std::move(connected->early);
  options.limits = TunnelLimits();
  CoveredTunnelEnd end;
  end.status = co_await AnswerBrowser();
  if (end.status.ok()) end = co_await RunCoveredTunnel(outer, browser_, std::move(options));
  FinishTunnel(std::move(end), std::move(owner_), TunnelLimits(), proxy_.relay_);
}

// Directly, or by CONNECT through a proxy in between, which sees TLS and nothing else.
asio::awaitable<std::optional<Socket>> ClientConnection::DialReverseProxy() {
  const Authority& reverse_proxy = policy_->config.reverse_proxy;
  const std::optional<Authority>& via = policy_->config.via;
  std::optional<Socket> socket = co_await DialOrRefuse(via ? *via : reverse_proxy);
  if (!socket || !via) co_return socket;
  StartStage("the answer of the proxy in between", limits_.response, *socket);
  const Status status = co_await ConnectThrough(*socket, reverse_proxy);
  if (status.ok()) {
    deadline_.Stop();
    co_return socket;
  }
  Refusal refusal;
  refusal.status = deadline_.passed() ? 504 : 502;
  refusal.proxy_error = deadline_.passed() ? "connection_timeout" : "destination_unavailable";
  refusal.message =
      "proxy in between (via) " + via->ToString() + ": " + deadline_.Explain(status).message();
  co_await Refuse(std::move(refusal));
  co_return std::nullopt;
}

asio::awaitable<bool> ClientConnection::Handshake(TlsLeg& outer) {
  Result<std::unique_ptr<TlsBackend>> backend = policy_->tls->NewBackend();
  if (!backend.ok()) {
    co_await RefuseOuter(backend.status());
    co_return false;
  }
  deadline_.Start("TLS handshake with the reverse proxy", limits_.handshake,
                  [&outer] { outer.Cancel(); });
  const Status status = co_await outer.Handshake(*std::move(backend));
  if (!status.ok()) co_await RefuseOuter(deadline_.Explain(status));
  deadline_.Stop();
  co_return status.ok();
}

// "covered" where both modes are allowed and TLS can do it.
std::optional<DetachMode> ClientConnection::AskedMode(const TlsSession& outer) const {
  const DetachModes& modes = policy_->config.detach;
  if (modes.covered && outer.half_detach()) return DetachMode::kCovered;
  if (modes.connect) return DetachMode::kConnect;
  return std::nullopt;
}

asio::awaitable<std::optional<ClientConnection::Connected>> ClientConnection::RequestTunnel(
    TlsLeg& outer, Authority destination) {
  Connected connected;
  std::optional<DetachMode> asked = AskedMode(outer.session());
  std::optional<std::string> field;
  if (asked) {
    Result<std::string> offer = OfferDetach(outer.session(), *asked);
    if (offer.ok()) field = *std::move(offer);
  }
  std::string request = SerializeConnectRequest(
      destination, field ? std::optional<std::string_view>(*field) : std::nullopt);
  StartStage("the reverse proxy's answer", limits_.response, outer.socket());
  const Result<ConnectResponse> response =
      co_await Exchange(outer, std::move(request), connected.early);
  if (!response.ok()) {
    co_await RefuseOuter(deadline_.Explain(response.status()));
    co_return std::nullopt;
  }
  deadline_.Stop();
  if (!response->ok()) {
    Refusal refusal;
    refusal.status = response->status;
    refusal.message =
        "the reverse proxy refused: " + std::to_string(response->status) + " " + response->reason;
    if (!response->proxy_status.empty()) refusal.message += ". It says: " + response->proxy_status;
    refusal.received_proxy_status = response->proxy_status;
    co_await Refuse(std::move(refusal));
    co_return std::nullopt;
  }
  if (response->tls_detach) {
    const Status agreed = field ? VerifyAgreement(outer.session(), *response->tls_detach, *asked)
                                : Violation("TLS-Detach in the answer, where none was asked for");
    if (!agreed.ok()) {
      co_await RefuseOuter(agreed);
      co_return std::nullopt;
    }
    connected.agreed = asked;
  }
  co_return connected;
}

asio::awaitable<Result<ConnectResponse>> ClientConnection::Exchange(TlsLeg& outer,
                                                                    std::string request,
                                                                    Bytes& early) {
  std::array<std::uint8_t, 4096> buffer;
  if (const Status status = co_await outer.Write(AsBytes(request)); !status.ok()) {
    // In TLS 1.3 a server refuses our certificate when we have finished already. Where it then
    // resets the connection, its alert stands before the reset, and says why.
    const Result<ReadResult> read = co_await outer.Read(buffer);
    const bool alert = !read.ok() && read.status().fault() != Fault::kTransport;
    co_return alert ? read.status() : status;
  }
  ConnectResponseParser parser;
  while (!parser.done()) {
    const Result<ReadResult> read = co_await outer.Read(buffer);
    if (!read.ok()) co_return read.status();
    // Nothing raw may ever complete what is authenticated.
    if (read->event != ReadEvent::kBytes || read->origin != Origin::kTls) {
      co_return Truncated("the reverse proxy left before its answer was whole");
    }
    const std::span<const std::uint8_t> bytes = std::span(buffer).first(read->size);
    const std::size_t taken = parser.Receive(bytes);
    early.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
  }
  co_return parser.result();
}

// What went wrong between the reverse proxy and us, as a page: with the certificate's part in it.
asio::awaitable<void> ClientConnection::RefuseOuter(Status status) {
  Refusal refusal;
  refusal.status = deadline_.passed() ? 504 : 502;
  refusal.proxy_error = deadline_.passed() ? "connection_timeout" : "tls_protocol_error";
  refusal.message =
      "reverse proxy " + policy_->config.reverse_proxy.ToString() + ": " + status.message() + ".";
  if (status.fault() == Fault::kIncompatible) {
    refusal.message += " Client certificate: " + policy_->certificates->last_answer() + ".";
  }
  deadline_.Stop();
  co_await Refuse(std::move(refusal));
}

asio::awaitable<void> ClientConnection::Refuse(Refusal refusal) {
  Log(LogLevel::kWarning, "refused",
      {{"id", owner_.record.id},
       {"peer", owner_.record.peer},
       {"destination", owner_.record.destination},
       {"status", refusal.status},
       {"reason", refusal.message}});
  StartStage("refusal", limits_.request, browser_);
  const std::string answer = SerializeRefusal(refusal, kName);
  const Status status = co_await SendAll(browser_, AsBytes(answer));
  deadline_.Stop();
  if (status.ok()) co_await LingeringClose(std::move(browser_), kLinger);
}

ClientProxy::ClientProxy(std::shared_ptr<const ClientPolicy> policy, Relay& relay) : relay_(relay) {
  SetPolicy(std::move(policy));
}

asio::awaitable<void> ClientProxy::Serve(Socket socket, Server::Place place) {
  ClientConnection connection(*this, std::move(socket), std::move(place));
  co_await connection.Run();
}

std::shared_ptr<const ClientPolicy> ClientProxy::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

void ClientProxy::SetPolicy(std::shared_ptr<const ClientPolicy> policy) {
  policy->certificates->LogSkipped();
  const std::lock_guard lock(mutex_);
  policy_ = std::move(policy);
}

}  // namespace detach
