// A stock libssl peer on the far end of a transport, and the transports themselves.
#ifndef DETACH_TESTS_BIO_OPENSSL_BIO_TLS_PEER_H_
#define DETACH_TESTS_BIO_OPENSSL_BIO_TLS_PEER_H_

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace detach {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* chain) const { BIO_free_all(chain); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// ServerContext shows the certificate of localhost; ClientContext trusts its CA. `version` is the
// only one that they speak.
Owned<SSL_CTX> ServerContext(int version);
Owned<SSL_CTX> ClientContext(int version);

// Wire is a transport between two ends of one process.
struct Wire {
  Owned<BIO> near;  // of the program under test
  Owned<BIO> far;   // of the peer
};
Wire SocketWire();  // a socketpair, both ends non-blocking
Wire BlockingSocketWire();
Wire PairWire();  // a BIO pair

// EndWire closes the direction that leaves from `end`.
void EndWire(BIO* end);

// NewQuotaFilter returns a filter that lets one byte through in every other call; the calls in
// between say "try again".
BIO* NewQuotaFilter();

// TlsPeer is an SSL at the far end, not blocking. Step moves it as far as it gets.
class TlsPeer {
 public:
  TlsPeer(SSL_CTX* context, bool client, BIO* far);

  // Step takes the handshake on, writes what Send was given, and reads what is there.
  void Step();
  void Send(std::string_view bytes) { to_send_ += bytes; }

  const std::string& received() const { return received_; }
  // ended: how reading ended: "", "close_notify", or "error".
  const std::string& ended() const { return ended_; }
  SSL* ssl() const { return ssl_.get(); }
  BIO* far() const { return far_; }

 private:
  void Write();
  void Read();

  Owned<SSL> ssl_;
  BIO* far_;
  std::string to_send_;
  std::string received_;
  std::string ended_;
};

// TakeErrors empties the thread's error queue and returns it: "library/reason" of each.
std::vector<std::string> TakeErrors();

}  // namespace detach

#endif  // DETACH_TESTS_BIO_OPENSSL_BIO_TLS_PEER_H_
