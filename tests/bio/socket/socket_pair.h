// Two DetachableSockets that are connected over loopback, and what tests do with them.
#ifndef DETACH_TESTS_BIO_SOCKET_SOCKET_PAIR_H_
#define DETACH_TESTS_BIO_SOCKET_SOCKET_PAIR_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bio/backend/tls_backend.h"
#include "bio/socket/detachable_socket.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "tests/support/test_pki.h"

namespace detach {

// Listener is a listening TCP socket on a free port of 127.0.0.1.
struct Listener {
  explicit Listener(int backlog = 16);

  UniqueFd fd;
  std::uint16_t port = 0;
};

// SocketPair is a raw connection, both ends in this process.
struct SocketPair {
  SocketPair();
  SocketPair(DetachableSocket one, DetachableSocket other)
      : client(std::move(one)), server(std::move(other)) {}

  DetachableSocket client;
  DetachableSocket server;
};

// RawPair is the same with a bare descriptor at the server's end.
struct RawPair {
  RawPair();
  explicit RawPair(SocketPair pair);

  DetachableSocket socket;
  UniqueFd peer;
};

// Pki is made once in a process.
const TestPki& Pki();

// One each for every version; they outlive every connection.
TlsContext& ClientContext(TlsVersion version);
TlsContext& ServerContext(TlsVersion version);

// Together runs both functions at once, for ends that wait for each other.
void Together(const std::function<void()>& one, const std::function<void()>& other);

// UpgradeBoth makes `pair` TLS of `version`.
void UpgradeBoth(SocketPair& pair, TlsVersion version);

std::span<const std::uint8_t> AsBytes(std::string_view text);

// ReadText reads until `size` bytes have come; all of them must be of `origin`.
std::string ReadText(DetachableSocket& socket, Origin origin, std::size_t size);

// ReadOnce returns the next result, which must be ok.
ReadEvent ReadOnce(DetachableSocket& socket);

// Reset closes `fd` with a RST, without a FIN.
void Reset(UniqueFd fd);

// A name for parameterised tests.
inline std::string VersionName(const testing::TestParamInfo<TlsVersion>& version) {
  return version.param == TlsVersion::kTls12 ? "Tls12" : "Tls13";
}

inline constexpr std::chrono::milliseconds kAlreadyOver{0};

}  // namespace detach

// EXPECT_OK(status) prints what was wrong.
#define EXPECT_OK(status) EXPECT_EQ((status).message(), "")

#endif  // DETACH_TESTS_BIO_SOCKET_SOCKET_PAIR_H_
