// OpenSSL as a stack program: openssl plain|read_ahead|gate PKI.
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <utility>

#include "bio/openssl_bio/record_gate_bio.h"
#include "tests/interop/stacks/commands.h"
#include "tests/interop/stacks/stock_end.h"

namespace detach {
namespace {

enum class Reading { kPlain, kReadAhead, kGate };

Status Failed() {
  const char* reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return Transport(std::string("OpenSSL: ") + (reason != nullptr ? reason : "the end"));
}

class OpenSslEnd final : public StockEnd {
 public:
  OpenSslEnd(UniqueFd fd, Reading reading, std::string pki)
      : StockEnd(std::move(fd)), reading_(reading), pki_(std::move(pki)) {}

 private:
  Status StartTls(Role role, TlsVersion version) override {
    const int wanted = version == TlsVersion::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    const std::string server = pki_ + "/server.pem";
    ctx_.reset(SSL_CTX_new(TLS_method()));
    const bool loaded =
        SSL_CTX_set_min_proto_version(ctx_.get(), wanted) == 1 &&
        SSL_CTX_set_max_proto_version(ctx_.get(), wanted) == 1 &&
        SSL_CTX_load_verify_file(ctx_.get(), (pki_ + "/server-ca.pem").c_str()) == 1 &&
        SSL_CTX_use_certificate_chain_file(ctx_.get(), server.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(ctx_.get(), server.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!loaded) return Failed();
    if (reading_ == Reading::kReadAhead) SSL_CTX_set_read_ahead(ctx_.get(), 1);
    ssl_.reset(SSL_new(ctx_.get()));
    if (SSL_set_fd(ssl_.get(), fd()) != 1) return Failed();
    if (reading_ == Reading::kGate && SSL_attach_record_gate(ssl_.get()) != 1) return Failed();
    return role == Role::kServer ? Done(SSL_accept(ssl_.get())) : Connect();
  }

  Status Connect() {
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
    if (SSL_set1_host(ssl_.get(), "localhost") != 1) return Failed();
    return Done(SSL_connect(ssl_.get()));
  }

  static Status Done(int code) { return code == 1 ? Status() : Failed(); }

  Status WriteTls(std::string_view bytes) override {
    std::size_t written = 0;
    return Done(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written));
  }

  Result<char> ReadTls() override {
    char byte = '\0';
    const int code = SSL_read(ssl_.get(), &byte, 1);
    if (code == 1) return byte;
    if (SSL_get_error(ssl_.get(), code) == SSL_ERROR_ZERO_RETURN) return '\0';
    return Failed();
  }

  // The manual's second call of SSL_shutdown; safe here only because the peer is silent.
  Status LeaveTls() override {
    int code = SSL_shutdown(ssl_.get());
    if (code == 0) code = SSL_shutdown(ssl_.get());
    return Done(code);
  }

  Status SendCloseNotify() override { return SSL_shutdown(ssl_.get()) >= 0 ? Status() : Failed(); }

  Status ReceiveCloseNotify() override {
    const Result<char> byte = ReadTls();
    if (!byte.ok()) return byte.status();
    return *byte == '\0' ? Status() : Transport("data where close_notify was due");
  }

  std::string EndTls() override {
    const unsigned char* leftover = nullptr;
    std::size_t size = 0;
    if (reading_ == Reading::kGate) SSL_received_detach(ssl_.get(), &leftover, &size);
    std::string kept(reinterpret_cast<const char*>(leftover), size);
    ssl_.reset();
    return kept;
  }

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* ctx) const { SSL_CTX_free(ctx); }
  };

  Reading reading_;
  std::string pki_;
  std::unique_ptr<SSL_CTX, Free> ctx_;
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string word = argv[1];
  const auto reading = word == "read_ahead" ? detach::Reading::kReadAhead
                       : word == "gate"     ? detach::Reading::kGate
                                            : detach::Reading::kPlain;
  const std::string pki = argv[2];
  return detach::RunCommands(
      std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING), [&](detach::UniqueFd fd) {
        return std::make_unique<detach::OpenSslEnd>(std::move(fd), reading, pki);
      });
}
