#include "bio/backend/openssl/openssl_error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/proverr.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <memory>

#include "bio/backend/tls_alert.h"

namespace detach {
namespace {

// What the peer could not have done differently: the two ends just do not fit.
constexpr std::array kIncompatibleReasons = {
    SSL_R_CERTIFICATE_VERIFY_FAILED,
    SSL_R_NO_APPLICATION_PROTOCOL,
    SSL_R_NO_PROTOCOLS_AVAILABLE,
    SSL_R_NO_SHARED_CIPHER,
    SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
    SSL_R_NO_SUITABLE_GROUPS,
    SSL_R_NO_SUITABLE_KEY_SHARE,
    SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
    SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
    SSL_R_UNSUPPORTED_PROTOCOL,
    SSL_R_VERSION_TOO_LOW,
    SSL_R_WRONG_SSL_VERSION,
};

void FreeRefused(void* /*ssl*/, void* certificate, CRYPTO_EX_DATA* /*data*/, int /*index*/,
                 long /*number*/, void* /*pointer*/) {
  X509_free(static_cast<X509*>(certificate));
}

// Where an SSL keeps the certificate that failed: libssl itself forgets it.
int RefusedIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeRefused);
  return index;
}

std::string NameText(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (!text || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253) < 0) return "?";
  char* begin = nullptr;
  const long size = BIO_get_mem_data(text.get(), &begin);
  return std::string(begin, static_cast<std::size_t>(size));
}

std::string RefusedCertificate(const SSL* ssl) {
  std::string text = "certificate refused: ";
  const long error = SSL_get_verify_result(ssl);
  text += error == X509_V_ERR_APPLICATION_VERIFICATION
              ? "its key's fingerprint is not the pinned one"
              : X509_verify_cert_error_string(error);
  if (const auto* refused = static_cast<const X509*>(SSL_get_ex_data(ssl, RefusedIndex()))) {
    text += " (subject " + NameText(X509_get_subject_name(refused)) + ", issuer " +
            NameText(X509_get_issuer_name(refused)) + ")";
  }
  return text;
}

// What a provider, or whoever raised the first entry of the queue, adds to its reason.
std::string Details() {
  const char* details = nullptr;
  int flags = 0;
  if (ERR_peek_error_data(&details, &flags) == 0 || (flags & ERR_TXT_STRING) == 0) return {};
  return *details == '\0' ? "" : " (" + std::string(details) + ")";
}

// Ours: neither the peer's fault nor the connection's.
Status OwnError() { return Internal("OpenSSL: " + OpenSslReason() + Details()); }

}  // namespace

std::string OpenSslReason() {
  const unsigned long error = ERR_peek_error();
  if (error == 0) return "no reason given";
  if (const char* reason = ERR_reason_error_string(error)) return reason;
  return "error " + std::to_string(ERR_GET_REASON(error));
}

std::optional<std::uint8_t> PeerAlertInQueue() {
  const unsigned long error = ERR_peek_last_error();
  const int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
  if (ERR_GET_LIB(error) != ERR_LIB_SSL || alert < 0 || alert > 255) return std::nullopt;
  return static_cast<std::uint8_t>(alert);
}

int RememberRefusedCertificate(int verified, X509_STORE_CTX* store) noexcept {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  X509* const certificate = X509_STORE_CTX_get_current_cert(store);
  if (verified == 1 || certificate == nullptr || SSL_get_ex_data(ssl, RefusedIndex()) != nullptr) {
    return verified;
  }
  X509_up_ref(certificate);
  if (SSL_set_ex_data(ssl, RefusedIndex(), certificate) != 1) X509_free(certificate);
  return verified;
}

Status HandshakeOrRecordError(const SSL* ssl) {
  if (const std::optional<std::uint8_t> alert = PeerAlertInQueue()) return PeerAlert(*alert);
  // The newest error is libssl's verdict; below it lie those that led there, of ciphers and
  // decoders.
  const unsigned long error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) != ERR_LIB_SSL || (ERR_COMMON_ERROR(error) && reason != ERR_R_ASN1_LIB)) {
    // What OpenSSL 3.5 says of a TLS 1.2 record that is too short for its cipher suite.
    const unsigned long oldest = ERR_peek_error();
    if (ERR_GET_LIB(oldest) == ERR_LIB_PROV && ERR_GET_REASON(oldest) == PROV_R_INVALID_AAD) {
      return Violation("TLS: a record shorter than its cipher suite makes them");
    }
    return OwnError();
  }
  if (reason == SSL_R_CALLBACK_FAILED) return OwnError();
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return Incompatible(RefusedCertificate(ssl));
  const bool incompatible = std::ranges::count(kIncompatibleReasons, reason) > 0;
  const char* text = ERR_reason_error_string(error);
  return {incompatible ? Fault::kIncompatible : Fault::kViolation,
          std::string("TLS: ") + (text == nullptr ? "no reason given" : text)};
}

}  // namespace detach
