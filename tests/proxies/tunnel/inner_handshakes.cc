#include "tests/proxies/tunnel/inner_handshakes.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "tests/support/test_pki.h"

namespace detach {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "inner_handshakes: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Deleter<SSL_free>>;
using Session = std::unique_ptr<SSL_SESSION, Deleter<SSL_SESSION_free>>;

struct Kind {
  const char* name;
  int version;
  KeyType server_key = KeyType::kEcP256;
  const char* tls12_suite = "ECDHE-ECDSA-AES128-GCM-SHA256";
  bool client_certificate = false;
  bool retry = false;       // the server wants another group than the client's first
  bool resumed = false;     // a second connection with the session of a first
  bool early_data = false;  // 0-RTT in that second connection
  bool detaches = true;
};

const TestPki& Pki() {
  static const TestPki pki;
  return pki;
}

const TestCertificate& RsaServer() {
  static const TestCertificate certificate = Pki().server_root.Issue({
      .common_name = kInnerName,
      .usage = ExtendedKeyUsage::kServerAuth,
      .key = KeyType::kRsa2048,
  });
  return certificate;
}

void UseIdentity(SSL_CTX* context, const TestCertificate& certificate) {
  const unsigned char* key_bytes = certificate.key.data();
  EVP_PKEY* key =
      d2i_AutoPrivateKey(nullptr, &key_bytes, static_cast<long>(certificate.key.size()));
  Require(key != nullptr &&
              SSL_CTX_use_certificate_ASN1(context, static_cast<int>(certificate.leaf().size()),
                                           certificate.leaf().data()) == 1 &&
              SSL_CTX_use_PrivateKey(context, key) == 1,
          "identity");
  EVP_PKEY_free(key);
}

Context NewContext(const Kind& kind, bool server) {
  Context context(SSL_CTX_new(TLS_method()));
  SSL_CTX* raw = context.get();
  // TLS 1.1 signs with SHA-1.
  if (kind.version < TLS1_2_VERSION) SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_min_proto_version(raw, kind.version);
  SSL_CTX_set_max_proto_version(raw, kind.version);
  Require(SSL_CTX_set_cipher_list(raw, kind.tls12_suite) == 1, "suite");
  const char* groups = server && kind.retry ? "P-256" : "X25519:P-256";
  Require(SSL_CTX_set1_groups_list(raw, groups) == 1, "groups");
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_BOTH);
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>("x"), 1);
  if (server) {
    UseIdentity(raw, kind.server_key == KeyType::kRsa2048 ? RsaServer() : Pki().server);
    SSL_CTX_set_dh_auto(raw, 1);
    SSL_CTX_set_max_early_data(raw, 16384);
    SSL_CTX_set_options(raw, SSL_OP_NO_ANTI_REPLAY);
    if (kind.client_certificate) {
      SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         [](int, X509_STORE_CTX*) { return 1; });
    }
  } else if (kind.client_certificate) {
    UseIdentity(raw, Pki().client);
  }
  return context;
}

// One end: an SSL over two memory BIOs.
struct End {
  End(const Context& context, Direction out) : ssl(SSL_new(context.get())), direction(out) {
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  Ssl ssl;
  Direction direction;  // of what it writes
  std::size_t received = 0;
  Bytes sent;                // and not yet delivered
  std::size_t read = 0;      // application data
  bool peer_closed = false;  // close_notify came
};

class Connection {
 public:
  Connection(const Kind& kind, const Context& client, const Context& server, SSL_SESSION* session)
      : client_(client, Direction::kClientToServer), server_(server, Direction::kServerToClient) {
    SSL_set_connect_state(client_.ssl.get());
    SSL_set_accept_state(server_.ssl.get());
    SSL_set_tlsext_host_name(client_.ssl.get(), kInnerName);
    if (session != nullptr) SSL_set_session(client_.ssl.get(), session);
    if (kind.early_data) SendEarlyData();
  }

  std::vector<Flight> Run(bool expect_resumed) {
    RunUntil([this] {
      Handshake(client_);
      Handshake(server_);
      return SSL_is_init_finished(client_.ssl.get()) && SSL_is_init_finished(server_.ssl.get());
    });
    Require(SSL_session_reused(client_.ssl.get()) == (expect_resumed ? 1 : 0), "resumption");
    Exchange(client_, server_, 300);
    Exchange(server_, client_, 17000);
    Exchange(client_, server_, 1000);
    Close(server_, client_);
    Close(client_, server_);
    return std::move(flights_);
  }

  SSL* client() { return client_.ssl.get(); }

 private:
  void SendEarlyData() {
    const Bytes data(3000, 'e');
    for (int i = 0; i < 3; ++i) {
      std::size_t written = 0;
      Require(SSL_write_early_data(client(), data.data(), data.size(), &written) == 1, "0-RTT");
    }
    reading_early_data_ = true;
  }

  void Handshake(End& end) {
    if (SSL_is_init_finished(end.ssl.get())) return;
    if (&end == &server_ && reading_early_data_) {
      unsigned char data[16384];
      std::size_t size = 0;
      const int result = SSL_read_early_data(end.ssl.get(), data, sizeof data, &size);
      reading_early_data_ = result != SSL_READ_EARLY_DATA_FINISH;
      RequireNoError(end, result == SSL_READ_EARLY_DATA_ERROR ? -1 : 1);
      return;
    }
    RequireNoError(end, SSL_do_handshake(end.ssl.get()));
  }

  static void RequireNoError(End& end, int result) {
    if (result == 1) return;
    Require(SSL_get_error(end.ssl.get(), result) == SSL_ERROR_WANT_READ, "handshake");
  }

  void Exchange(End& from, End& to, std::size_t size) {
    const Bytes data(size, 'd');
    Require(SSL_write(from.ssl.get(), data.data(), static_cast<int>(size)) > 0, "write");
    to.read = 0;
    RunUntil([&] {
      Read(to);
      return to.read == size;
    });
  }

  void Close(End& from, End& to) {
    SSL_shutdown(from.ssl.get());
    RunUntil([&] {
      Read(to);
      return to.peer_closed;
    });
  }

  static void Read(End& end) {
    unsigned char data[16384];
    int result = 0;
    while ((result = SSL_read(end.ssl.get(), data, sizeof data)) > 0) {
      end.read += static_cast<std::size_t>(result);
    }
    end.peer_closed = SSL_get_error(end.ssl.get(), result) == SSL_ERROR_ZERO_RETURN;
  }

  // Delivers one record at a time, so that each flight needs as little as it can.
  void RunUntil(const std::function<bool()>& step) {
    while (!step()) {
      Collect(client_);
      Collect(server_);
      Require(DeliverRecord(client_, server_) || DeliverRecord(server_, client_), "stuck");
    }
    Collect(client_);
    Collect(server_);
  }

  void Collect(End& end) {
    Bytes bytes(BIO_ctrl_pending(SSL_get_wbio(end.ssl.get())));
    if (bytes.empty()) return;
    BIO_read(SSL_get_wbio(end.ssl.get()), bytes.data(), static_cast<int>(bytes.size()));
    end.sent.insert(end.sent.end(), bytes.begin(), bytes.end());
    flights_.push_back({end.direction, std::move(bytes), end.received});
  }

  static bool DeliverRecord(End& from, End& to) {
    if (from.sent.empty()) return false;
    const std::size_t size = 5u + (from.sent[3] << 8 | from.sent[4]);
    BIO_write(SSL_get_rbio(to.ssl.get()), from.sent.data(), static_cast<int>(size));
    from.sent.erase(from.sent.begin(), from.sent.begin() + static_cast<std::ptrdiff_t>(size));
    to.received += size;
    return true;
  }

  End client_;
  End server_;
  bool reading_early_data_ = false;
  std::vector<Flight> flights_;
};

InnerConnection Capture(const Kind& kind) {
  Kind first = kind;
  first.early_data = false;
  // The session of the first connection has to fit what the second one's server will say, so the
  // group changes only then.
  if (kind.resumed) first.retry = false;
  const Context client = NewContext(kind, false);
  const Context server = NewContext(first, true);
  Session session;
  if (kind.resumed) {
    Connection connection(first, client, server, nullptr);
    connection.Run(false);
    session.reset(SSL_get1_session(connection.client()));
    if (kind.retry) SSL_CTX_set1_groups_list(server.get(), "P-256");
  }
  Connection connection(kind, client, server, session.get());
  return {kind.name, connection.Run(kind.resumed), kind.detaches, kind.version == TLS1_3_VERSION};
}

}  // namespace

std::vector<InnerConnection> CaptureInnerConnections() {
  constexpr int k13 = TLS1_3_VERSION;
  constexpr int k12 = TLS1_2_VERSION;
  const Kind kinds[] = {
      {.name = "1.3", .version = k13},
      {.name = "1.3 client certificate", .version = k13, .client_certificate = true},
      {.name = "1.3 HelloRetryRequest", .version = k13, .retry = true},
      {.name = "1.3 resumed", .version = k13, .resumed = true},
      {.name = "1.3 resumed HelloRetryRequest", .version = k13, .retry = true, .resumed = true},
      {.name = "1.3 0-RTT", .version = k13, .resumed = true, .early_data = true},
      {.name = "1.3 0-RTT HelloRetryRequest",
       .version = k13,
       .retry = true,
       .resumed = true,
       .early_data = true},
      {.name = "1.2 GCM", .version = k12},
      {.name = "1.2 ChaCha20",
       .version = k12,
       .tls12_suite = "ECDHE-ECDSA-CHACHA20-POLY1305",
       .client_certificate = true},
      {.name = "1.2 client certificate", .version = k12, .client_certificate = true},
      {.name = "1.2 resumed", .version = k12, .resumed = true},
      {.name = "1.2 DHE",
       .version = k12,
       .server_key = KeyType::kRsa2048,
       .tls12_suite = "DHE-RSA-AES256-GCM-SHA384"},
      {.name = "1.2 static RSA",
       .version = k12,
       .server_key = KeyType::kRsa2048,
       .tls12_suite = "AES128-GCM-SHA256",
       .detaches = false},
      {.name = "1.2 CBC",
       .version = k12,
       .tls12_suite = "ECDHE-ECDSA-AES128-SHA256",
       .detaches = false},
      {.name = "1.2 short tag",
       .version = k12,
       .tls12_suite = "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0",
       .detaches = false},
      {.name = "1.1",
       .version = TLS1_1_VERSION,
       .tls12_suite = "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
       .detaches = false},
  };
  std::vector<InnerConnection> connections;
  for (const Kind& kind : kinds) connections.push_back(Capture(kind));
  return connections;
}

Bytes Whole(const InnerConnection& connection, Direction direction) {
  Bytes whole;
  for (const Flight& flight : connection.flights) {
    if (flight.direction != direction) continue;
    whole.insert(whole.end(), flight.bytes.begin(), flight.bytes.end());
  }
  return whole;
}

}  // namespace detach
