#include "tests/bio/socket/socket_pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <utility>

#include "bio/backend/openssl/openssl_context.h"

namespace detach {
namespace {

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) ADD_FAILURE() << result.status().message();
  return *std::move(result);
}

struct Contexts {
  std::unique_ptr<TlsContext> tls12;
  std::unique_ptr<TlsContext> tls13;

  TlsContext& Get(TlsVersion version) const {
    return version == TlsVersion::kTls12 ? *tls12 : *tls13;
  }
};

std::unique_ptr<TlsContext> NewClientContext(TlsVersion version) {
  TlsConfig config;
  config.role = Role::kClient;
  config.min_version = config.max_version = version;
  config.trust_anchors = {Pki().server_root.certificate()};
  config.reference_identity = "localhost";
  return Must(NewOpenSslContext(config));
}

std::unique_ptr<TlsContext> NewServerContext(TlsVersion version) {
  TlsConfig config;
  config.role = Role::kServer;
  config.min_version = config.max_version = version;
  config.identity = Pki().server.identity();
  config.peer_certificate = PeerCertificate::kNotRequested;
  return Must(NewOpenSslContext(config));
}

SocketPair Connected() {
  const Listener listener;
  DetachableSocket client = Must(DetachableSocket::Connect("127.0.0.1", listener.port));
  return {std::move(client), Must(DetachableSocket::Accept(listener.fd.get()))};
}

}  // namespace

Listener::Listener(int backlog) : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd.get(), backlog), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
}

SocketPair::SocketPair() : SocketPair(Connected()) {}

RawPair::RawPair() : RawPair(Connected()) {}

RawPair::RawPair(SocketPair pair)
    : socket(std::move(pair.client)), peer(Must(pair.server.Release()).fd) {}

const TestPki& Pki() {
  static const TestPki pki;
  return pki;
}

TlsContext& ClientContext(TlsVersion version) {
  static const Contexts contexts{NewClientContext(TlsVersion::kTls12),
                                 NewClientContext(TlsVersion::kTls13)};
  return contexts.Get(version);
}

TlsContext& ServerContext(TlsVersion version) {
  static const Contexts contexts{NewServerContext(TlsVersion::kTls12),
                                 NewServerContext(TlsVersion::kTls13)};
  return contexts.Get(version);
}

void Together(const std::function<void()>& one, const std::function<void()>& other) {
  const std::future<void> running = std::async(std::launch::async, one);
  other();
  running.wait();
}

void UpgradeBoth(SocketPair& pair, TlsVersion version) {
  Together([&] { EXPECT_OK(pair.client.Upgrade(ClientContext(version))); },
           [&] { EXPECT_OK(pair.server.Upgrade(ServerContext(version))); });
}

std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string ReadText(DetachableSocket& socket, Origin origin, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    std::uint8_t space[1000];
    const Result<ReadResult> read =
        socket.Read(std::span(space).first(std::min(sizeof space, size - text.size())));
    if (!read.ok() || read->event != ReadEvent::kBytes || read->origin != origin) {
      ADD_FAILURE() << "after \"" << text << "\": " << read.status().message();
      break;
    }
    text.append(space, space + read->size);
  }
  return text;
}

ReadEvent ReadOnce(DetachableSocket& socket) {
  std::uint8_t byte = 0;
  return Must(socket.Read({&byte, 1})).event;
}

void Reset(UniqueFd fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
}

}  // namespace detach
