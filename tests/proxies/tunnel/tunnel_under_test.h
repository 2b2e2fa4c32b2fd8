// One covered tunnel with the test at both of its ends: as the other proxy, which may lie, and as
// the browser or the destination.
#ifndef DETACH_TESTS_PROXIES_TUNNEL_TUNNEL_UNDER_TEST_H_
#define DETACH_TESTS_PROXIES_TUNNEL_TUNNEL_UNDER_TEST_H_

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bio/backend/tls_config.h"
#include "proxies/net/async_io.h"
#include "proxies/tunnel/covered_tunnel.h"
#include "proxies/tunnel/tls_leg.h"

namespace detach {

// TunnelUnderTest runs RunCoveredTunnel over loopback sockets, in the test's own thread: it moves
// only while a member function waits. Nothing here measures time; a wait for what never comes, like
// a failure of the set-up, aborts the process.
class TunnelUnderTest {
 public:
  TunnelUnderTest(Side side, std::optional<DetachMode> agreed,
                  TlsVersion outer = TlsVersion::kTls13,
                  std::chrono::milliseconds detach_limit = std::chrono::hours(1));
  ~TunnelUnderTest();

  // The other proxy's session: what is written, or detached, leaves with the next Send.
  TlsSession& peer() { return peer_->session(); }
  Socket& peer_socket() { return peer_->socket(); }
  void Send();
  // Sends `text` under TLS, or raw, as the session has it.
  void SendFromPeer(std::string_view text);

  // The browser, or the destination.
  Socket& plain() { return *plain_; }
  void SendFromPlain(std::string_view text);
  // Sends `text`, and waits until the tunnel has read it.
  void HandFromPlain(std::string_view text);

  // Sends covered records from the other proxy until the tunnel waits for its plain leg to take
  // one. Returns them all.
  std::string BlockPlain();
  // What has come to the plain leg's far end is read, so that there is room, without the tunnel's
  // moving.
  std::string TakeAtPlain();
  // Lets the tunnel move until it waits.
  void Settle() { io_.poll(); }

  // Each reads until it has as much as `expected`, or the stream is over, and returns what it read.
  // "FIN" or "RST" stands behind the bytes of a stream that is over; a Transcript
  // (session_driver.h) says what the other proxy read.
  std::string ReadAtPlain(std::string_view expected);
  std::string ReadAtPeer(std::string_view expected);
  // Reads to the end.
  std::string PlainToTheEnd();
  std::string PeerToTheEnd();

  // Waits for the tunnel's end.
  CoveredTunnelEnd& End();

 private:
  template <typename T>
  T Await(asio::awaitable<T> task);
  void Step();
  void ShakeHands(Side side, TlsVersion version);

  asio::io_context io_;
  std::unique_ptr<TlsLeg> outer_;         // the tunnel's
  std::unique_ptr<Socket> tunnel_plain_;  // the tunnel's
  std::unique_ptr<TlsLeg> peer_;
  std::unique_ptr<Socket> plain_;
  std::optional<CoveredTunnelEnd> end_;
};

// Inner hellos that arm, as short as they can be.
std::string InnerRecord(int type, std::string_view body);
std::string InnerClientHello();
std::string InnerServerHello(int suite = 0x1301);  // TLS 1.3
std::string InnerData();

}  // namespace detach

#endif  // DETACH_TESTS_PROXIES_TUNNEL_TUNNEL_UNDER_TEST_H_
