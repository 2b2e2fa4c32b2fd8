// A TLS server that knows nothing of detaching: libssl on a descriptor.
#ifndef DETACH_PROXIES_TUNNEL_STOCK_TLS_SERVER_H_
#define DETACH_PROXIES_TUNNEL_STOCK_TLS_SERVER_H_

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <span>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// StockTlsServer is SSL_accept, SSL_read, SSL_write and SSL_shutdown between two sockets, as in any
// program: what it decrypts goes to the clear side, what comes from there goes out under TLS. The
// end of each side is told to the other as its end (close_notify and FIN), an error as a reset.
// Blocks its thread.
class StockTlsServer {
 public:
  // `ssl` is borrowed; its BIOs are replaced.
  StockTlsServer(SSL* ssl, UniqueFd tls, UniqueFd clear);

  // Handshake is SSL_accept. Where it fails, the alert has been written, and both sides are closed.
  Status Handshake();

  // Serve passes bytes until both directions have ended.
  void Serve();

 private:
  // What one direction holds: one record's plaintext.
  struct Held {
    std::array<std::uint8_t, 16384> bytes;
    std::size_t begin = 0;
    std::size_t end = 0;

    bool empty() const { return begin == end; }
    std::span<const std::uint8_t> rest() const {
      return std::span(bytes).subspan(begin, end - begin);
    }
  };

  bool Pass();
  bool ReadTls();
  bool WriteTls();
  bool ReadClear();
  bool WriteClear();
  bool WantsTls(int result);
  void Wait();

  SSL* const ssl_;
  UniqueFd tls_;
  UniqueFd clear_;
  Held to_clear_;
  Held to_tls_;
  bool tls_ended_ = false;    // close_notify was read
  bool clear_ended_ = false;  // the end of the clear side was read
  bool closed_ = false;       // close_notify was written
  short tls_wants_ = 0;       // what SSL_read or SSL_write waits for
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_STOCK_TLS_SERVER_H_
