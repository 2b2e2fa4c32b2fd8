// GnuTLS as a stack program: gnutls PKI.
#include <gnutls/gnutls.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/interop/stacks/commands.h"
#include "tests/interop/stacks/stock_end.h"

namespace detach {
namespace {

Status Said(int code) {
  return code < 0 ? Transport(std::string("GnuTLS: ") + gnutls_strerror(code)) : Status();
}

void Must(int code) {
  if (code >= 0) return;
  std::fprintf(stderr, "GnuTLS: %s\n", gnutls_strerror(code));
  std::abort();
}

gnutls_certificate_credentials_t LoadCredentials(const std::string& pki) {
  gnutls_certificate_credentials_t credentials = nullptr;
  const std::string server = pki + "/server.pem";
  const std::string trust = pki + "/server-ca.pem";
  Must(gnutls_certificate_allocate_credentials(&credentials));
  Must(gnutls_certificate_set_x509_key_file(credentials, server.c_str(), server.c_str(),
                                            GNUTLS_X509_FMT_PEM));
  Must(gnutls_certificate_set_x509_trust_file(credentials, trust.c_str(), GNUTLS_X509_FMT_PEM));
  return credentials;
}

class GnuTlsEnd final : public StockEnd {
 public:
  GnuTlsEnd(UniqueFd fd, gnutls_certificate_credentials_t credentials)
      : StockEnd(std::move(fd)), credentials_(credentials) {}
  ~GnuTlsEnd() override { EndTls(); }

 private:
  Status StartTls(Role role, TlsVersion version) override {
    Must(gnutls_init(&session_, role == Role::kClient ? GNUTLS_CLIENT : GNUTLS_SERVER));
    const char* versions = version == TlsVersion::kTls12 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2"
                                                         : "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    Must(gnutls_priority_set_direct(session_, versions, nullptr));
    Must(gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_));
    if (role == Role::kClient) {
      gnutls_session_set_verify_cert(session_, "localhost", 0);
      Must(gnutls_server_name_set(session_, GNUTLS_NAME_DNS, "localhost", 9));
    }
    gnutls_transport_set_int(session_, fd());
    int code = GNUTLS_E_AGAIN;
    while (code < 0 && !gnutls_error_is_fatal(code)) code = gnutls_handshake(session_);
    return Said(code);
  }

  Status WriteTls(std::string_view bytes) override {
    return Said(static_cast<int>(gnutls_record_send(session_, bytes.data(), bytes.size())));
  }

  Result<char> ReadTls() override {
    char byte = '\0';
    ssize_t code = GNUTLS_E_AGAIN;  // also where a session ticket came
    while (code == GNUTLS_E_AGAIN) code = gnutls_record_recv(session_, &byte, 1);
    if (code < 0) return Said(static_cast<int>(code));
    return byte;
  }

  Status LeaveTls() override { return Said(gnutls_bye(session_, GNUTLS_SHUT_RDWR)); }

  Status SendCloseNotify() override { return Said(gnutls_bye(session_, GNUTLS_SHUT_WR)); }

  Status ReceiveCloseNotify() override {
    const Result<char> byte = ReadTls();
    if (!byte.ok()) return byte.status();
    return *byte == '\0' ? Status() : Transport("data where close_notify was due");
  }

  std::string EndTls() override {
    if (session_ != nullptr) gnutls_deinit(std::exchange(session_, nullptr));
    return {};  // it reads no further than a record
  }

  gnutls_certificate_credentials_t credentials_;
  gnutls_session_t session_ = nullptr;
};

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const gnutls_certificate_credentials_t credentials = detach::LoadCredentials(argv[1]);
  const int code = detach::RunCommands(
      std::string("GnuTLS ") + gnutls_check_version(nullptr), [&](detach::UniqueFd fd) {
        return std::make_unique<detach::GnuTlsEnd>(std::move(fd), credentials);
      });
  gnutls_certificate_free_credentials(credentials);
  return code;
}
