#include "tests/proxies/tunnel/tunnel_under_test.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include "bio/backend/openssl/openssl_context.h"
#include "tests/support/session_driver.h"
#include "tests/support/tcp_pair.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

// How long a wait for what never comes lasts: it is over in milliseconds where all is well.
constexpr std::chrono::seconds kPatience{20};

// Of the plain leg: for BlockPlain.
constexpr int kSmallBuffer = 16 * 1024;

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "set-up: %s\n", status.message().c_str());
  std::abort();
}

std::unique_ptr<Socket> NewSocket(asio::io_context& io, UniqueFd fd) {
  auto socket = std::make_unique<Socket>(io);
  socket->assign(asio::ip::tcp::v4(), fd.release());
  Require(MakeNonBlocking(*socket));
  return socket;
}

std::unique_ptr<TlsBackend> NewBackend(const TlsConfig& config) {
  const auto context = NewOpenSslContext(config);
  Require(context.status());
  auto backend = (*context)->NewBackend();
  Require(backend.status());
  return *std::move(backend);
}

struct BothConfigs {
  TlsConfig client;
  TlsConfig server;
};

BothConfigs Configs(TlsVersion version) {
  static const TestAuthority* authority = new TestAuthority("CA");
  BothConfigs both;
  both.server.role = Role::kServer;
  both.server.identity =
      authority->Issue({"rp", ExtendedKeyUsage::kServerAuth, {"DNS:rp.example"}}).identity();
  both.server.peer_certificate = PeerCertificate::kNotRequested;
  both.client.trust_anchors = {authority->certificate()};
  both.client.reference_identity = "rp.example";
  for (TlsConfig* config : {&both.client, &both.server}) {
    config->min_version = config->max_version = version;
  }
  return both;
}

asio::awaitable<std::string> ReadPlain(Socket& socket, std::size_t enough) {
  std::string text;
  std::array<std::uint8_t, 4096> buffer;
  while (text.size() < enough) {
    const std::size_t most = std::min(buffer.size(), enough - text.size());
    const Result<Received> received = co_await Receive(socket, std::span(buffer).first(most));
    if (!received.ok()) co_return text + "RST";
    if (received->arrival == Arrival::kEnd) co_return text + "FIN";
    text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(received->size));
  }
  co_return text;
}

asio::awaitable<std::string> ReadTranscript(TlsLeg& leg, std::size_t enough) {
  Transcript transcript;
  std::array<std::uint8_t, 4096> buffer;
  while (transcript.text().size() < enough) {
    const Result<ReadResult> read = co_await leg.Read(buffer);
    if (!read.ok()) {
      transcript.Add("error:" + std::string(FaultName(read.status().fault())));
      break;
    }
    if (read->event == ReadEvent::kEnd) {
      transcript.Add("end");
      break;
    }
    if (read->event == ReadEvent::kPeerDetached) {
      transcript.Add("detached");
    } else {
      transcript.AddBytes(read->origin, {reinterpret_cast<const char*>(buffer.data()), read->size});
    }
  }
  co_return transcript.text();
}

template <typename T>
asio::awaitable<void> Store(asio::awaitable<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

void Rethrow(const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

std::string Length(std::size_t size, int bytes) {
  std::string length;
  while (bytes-- > 0) length += static_cast<char>(size >> (8 * bytes));
  return length;
}

constexpr std::size_t kAll = static_cast<std::size_t>(-1);

}  // namespace

TunnelUnderTest::TunnelUnderTest(Side side, std::optional<DetachMode> agreed, TlsVersion outer,
                                 std::chrono::milliseconds detach_limit) {
  TcpPair wire = ConnectedPair();
  TcpPair inside = ConnectedPair(kSmallBuffer);
  outer_ = std::make_unique<TlsLeg>(std::move(*NewSocket(io_, std::move(wire.near))));
  peer_ = std::make_unique<TlsLeg>(std::move(*NewSocket(io_, std::move(wire.far))));
  tunnel_plain_ = NewSocket(io_, std::move(inside.near));
  plain_ = NewSocket(io_, std::move(inside.far));
  ShakeHands(side, outer);

  CoveredTunnelOptions options;
  options.side = side;
  options.agreed = agreed;
  options.limits = {std::chrono::hours(1), std::chrono::hours(1), detach_limit};
  asio::co_spawn(io_, Store(RunCoveredTunnel(*outer_, *tunnel_plain_, std::move(options)), end_),
                 Rethrow);
}

TunnelUnderTest::~TunnelUnderTest() {
  // Ends whatever still waits, so that no coroutine outlives what it uses.
  Reset(peer_->socket());
  Reset(*plain_);
  End();
}

void TunnelUnderTest::ShakeHands(Side side, TlsVersion version) {
  const BothConfigs configs = Configs(version);
  const bool is_client = side == Side::kClientProxy;
  std::optional<Status> own;
  asio::co_spawn(
      io_, Store(outer_->Handshake(NewBackend(is_client ? configs.client : configs.server)), own),
      Rethrow);
  Require(Await(peer_->Handshake(NewBackend(is_client ? configs.server : configs.client))));
  while (!own) Step();
  Require(*own);
}

template <typename T>
T TunnelUnderTest::Await(asio::awaitable<T> task) {
  std::optional<T> result;
  asio::co_spawn(io_, Store(std::move(task), result), Rethrow);
  io_.restart();
  while (!result) Step();
  return *std::move(result);
}

void TunnelUnderTest::Step() {
  if (io_.run_one_for(kPatience) == 0) Require(Internal("nothing comes, or nothing is left"));
}

void TunnelUnderTest::Send() { Require(Await(peer_->Flush())); }

void TunnelUnderTest::SendFromPeer(std::string_view text) {
  Require(Await(peer_->Write(AsBytes(text))));
}

void TunnelUnderTest::SendFromPlain(std::string_view text) {
  Require(Await(SendAll(*plain_, AsBytes(text))));
}

void TunnelUnderTest::HandFromPlain(std::string_view text) {
  SendFromPlain(text);
  int on_the_way = 1;
  while (on_the_way > 0 || tunnel_plain_->available() > 0) {
    ::ioctl(plain_->native_handle(), SIOCOUTQ, &on_the_way);
    io_.poll();
  }
}

std::string TunnelUnderTest::BlockPlain() {
  const std::string record = InnerRecord(22, std::string(500, 'h'));
  std::string sent;
  std::size_t passed = 0;
  while (passed == sent.size()) {
    SendFromPeer(record);
    sent += record;
    // Until the tunnel has passed it on, or waits for the far end to open its window.
    int in_queue = 0;
    int not_sent = 0;
    while (passed != sent.size() && (not_sent == 0 || not_sent != in_queue)) {
      io_.poll();
      ::ioctl(tunnel_plain_->native_handle(), SIOCOUTQNSD, &not_sent);
      ::ioctl(tunnel_plain_->native_handle(), SIOCOUTQ, &in_queue);
      passed = plain_->available() + static_cast<std::size_t>(in_queue);
    }
  }
  return sent;
}

std::string TunnelUnderTest::TakeAtPlain() {
  std::string text;
  std::array<std::uint8_t, 4096> buffer;
  int unsent = 1;
  while (unsent > 0 || plain_->available() > 0) {
    const Result<Received> received = TryReceive(*plain_, buffer);
    Require(received.status());
    text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(received->size));
    ::ioctl(tunnel_plain_->native_handle(), SIOCOUTQ, &unsent);
  }
  return text;
}

std::string TunnelUnderTest::ReadAtPlain(std::string_view expected) {
  return Await(ReadPlain(*plain_, expected.size()));
}
std::string TunnelUnderTest::ReadAtPeer(std::string_view expected) {
  return Await(ReadTranscript(*peer_, expected.size()));
}
std::string TunnelUnderTest::PlainToTheEnd() { return Await(ReadPlain(*plain_, kAll)); }
std::string TunnelUnderTest::PeerToTheEnd() { return Await(ReadTranscript(*peer_, kAll)); }

CoveredTunnelEnd& TunnelUnderTest::End() {
  io_.restart();
  while (!end_) Step();
  return *end_;
}

std::string InnerRecord(int type, std::string_view body) {
  return std::string{static_cast<char>(type), 3, 3} + Length(body.size(), 2) + std::string(body);
}

std::string InnerClientHello() {
  return InnerRecord(22, "\1" + Length(40, 3) + std::string(40, 'c'));
}

std::string InnerServerHello(int suite) {
  const std::string supported_versions{0, 6, 0, 43, 0, 2, 3, 4};
  const std::string body = "\3\3" + std::string(32, 's') + Length(0, 1) +
                           Length(static_cast<std::size_t>(suite), 2) + Length(0, 1) +
                           supported_versions;
  return InnerRecord(22, "\2" + Length(body.size(), 3) + body);
}

std::string InnerData() { return InnerRecord(23, std::string(20, 'd')); }

}  // namespace detach
