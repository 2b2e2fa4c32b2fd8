#include "bio/backend/botan/botan_channel.h"

#include <botan/system_rng.h>
#include <botan/tls_client.h>
#include <botan/tls_exceptn.h>
#include <botan/tls_messages.h>
#include <botan/tls_server.h>

#include <algorithm>
#include <utility>

#include "bio/backend/botan/botan_signer_key.h"
#include "bio/backend/botan/reference_identity.h"

namespace detach {
namespace {

using Botan::TLS::Alert;
using Botan::TLS::Protocol_Version;

// RFC 6066 §3: an address literal is never sent as a server name.
std::string ServerName(const TlsConfig& config) {
  const bool literal = !AddressBytes(config.reference_identity).empty();
  return literal ? "" : config.reference_identity;
}

// SchemeOf returns the RFC 9846 §4.2.3 code of the signature that Botan asks for.
std::uint16_t SchemeOf(const std::string& key_type, std::string_view padding) {
  const bool sha512 = padding.find("SHA-512") != std::string_view::npos;
  const bool sha384 = padding.find("SHA-384") != std::string_view::npos;
  const int hash = sha512 ? 2 : sha384 ? 1 : 0;  // behind SHA-256
  if (key_type == "ECDSA") return static_cast<std::uint16_t>(0x0403 + 0x100 * hash);
  const bool pss = padding.starts_with("PSS") || padding.starts_with("EMSA4");
  return static_cast<std::uint16_t>(pss ? 0x0804 + hash : 0x0401 + 0x100 * hash);
}

template <typename Request>
CertificateRequest SchemesOf(const Request& message, TlsVersion version) {
  CertificateRequest request;
  request.version = version;
  for (const auto scheme : message.signature_schemes()) {
#if BOTAN_VERSION_MAJOR >= 3
    request.signature_schemes.push_back(static_cast<std::uint16_t>(scheme.wire_code()));
#else
    request.signature_schemes.push_back(static_cast<std::uint16_t>(scheme));
#endif
  }
  return request;
}

// The plaintext record of a fatal alert, as TLS 1.2 sends it before the first ChangeCipherSpec.
bool IsPlaintextFatalAlert(std::span<const std::uint8_t> record) {
  return record.size() == 7 && record[0] == 21 && record[4] == 2 && record[5] == 2;
}

}  // namespace

BotanChannel::BotanChannel(const Parts& parts, Owner& owner) : parts_(parts), owner_(owner) {}

#if BOTAN_VERSION_MAJOR >= 3

void BotanChannel::Open() {
  // Botan wants to share what this object is already.
  const std::shared_ptr<void> nobody;
  const std::shared_ptr<Botan::TLS::Callbacks> callbacks(nobody, this);
  const std::shared_ptr<Botan::Credentials_Manager> credentials(nobody, this);
  const auto rng = std::make_shared<Botan::System_RNG>();
  if (parts_.config.role == Role::kServer) {
    channel_ = std::make_unique<Botan::TLS::Server>(callbacks, parts_.sessions, credentials,
                                                    parts_.policy, rng);
    return;
  }
  const bool tls13 = parts_.config.max_version == TlsVersion::kTls13;
  channel_ = std::make_unique<Botan::TLS::Client>(
      callbacks, parts_.sessions, credentials, parts_.policy, rng,
      Botan::TLS::Server_Information(ServerName(parts_.config)),
      tls13 ? Protocol_Version::TLS_V13 : Protocol_Version::TLS_V12, parts_.config.alpn);
}

void BotanChannel::UpdateKeys() { channel_->update_traffic_keys(true); }

void BotanChannel::tls_session_established(const Botan::TLS::Session_Summary& summary) {
  owner_.OnFacts({.version = summary.version().version_code(),
                  .cipher_suite = summary.ciphersuite_code(),
                  .resumed = summary.was_resumption(),
                  .extended_master_secret = summary.supports_extended_master_secret()});
}

void BotanChannel::tls_inspect_handshake_msg(const Botan::TLS::Handshake_Message& message) {
  if (parts_.config.role == Role::kServer) return;
  if (const auto* old = dynamic_cast<const Botan::TLS::Certificate_Request_12*>(&message)) {
    NoteRequest(old->acceptable_CAs(), SchemesOf(*old, TlsVersion::kTls12));
  } else if (const auto* request =
                 dynamic_cast<const Botan::TLS::Certificate_Request_13*>(&message)) {
    NoteRequest(request->acceptable_CAs(), SchemesOf(*request, TlsVersion::kTls13));
  }
}

std::vector<std::uint8_t> BotanChannel::tls_sign_message(const Botan::Private_Key& key,
                                                         Botan::RandomNumberGenerator& rng,
                                                         std::string_view padding,
                                                         Botan::Signature_Format format,
                                                         const std::vector<std::uint8_t>& message) {
  if (identity_ != nullptr && identity_->signer) return SignWith(key, padding, message);
  return Callbacks::tls_sign_message(key, rng, padding, format, message);
}

#else

void BotanChannel::Open() {
  Botan::TLS::Callbacks& callbacks = *this;
  Botan::Credentials_Manager& credentials = *this;
  Botan::RandomNumberGenerator& rng = Botan::system_rng();
  if (parts_.config.role == Role::kServer) {
    channel_ = std::make_unique<Botan::TLS::Server>(callbacks, *parts_.sessions, credentials,
                                                    *parts_.policy, rng);
    return;
  }
  channel_ = std::make_unique<Botan::TLS::Client>(
      callbacks, *parts_.sessions, credentials, *parts_.policy, rng,
      Botan::TLS::Server_Information(ServerName(parts_.config)), Protocol_Version::TLS_V12,
      parts_.config.alpn);
}

// TLS 1.2 has none.
void BotanChannel::UpdateKeys() {}

bool BotanChannel::tls_session_established(const Botan::TLS::Session& session) {
  owner_.OnFacts({.version = static_cast<std::uint16_t>(TlsVersion::kTls12),
                  .cipher_suite = session.ciphersuite_code(),
                  .resumed = !full_handshake_,
                  .extended_master_secret = session.supports_extended_master_secret()});
  return parts_.config.resumption;
}

void BotanChannel::tls_inspect_handshake_msg(const Botan::TLS::Handshake_Message& message) {
  if (message.type() == Botan::TLS::SERVER_HELLO_DONE) full_handshake_ = true;
  if (parts_.config.role == Role::kServer) return;
  if (const auto* request = dynamic_cast<const Botan::TLS::Certificate_Req*>(&message)) {
    NoteRequest(request->acceptable_CAs(), SchemesOf(*request, TlsVersion::kTls12));
  }
}

std::vector<std::uint8_t> BotanChannel::tls_sign_message(const Botan::Private_Key& key,
                                                         Botan::RandomNumberGenerator& rng,
                                                         const std::string& padding,
                                                         Botan::Signature_Format format,
                                                         const std::vector<std::uint8_t>& message) {
  if (identity_ != nullptr && identity_->signer) return SignWith(key, padding, message);
  return Callbacks::tls_sign_message(key, rng, padding, format, message);
}

#endif

void BotanChannel::Receive(std::span<const std::uint8_t> record) {
  channel_->received_data(record.data(), record.size());
}

void BotanChannel::Send(std::span<const std::uint8_t> plaintext) {
  channel_->send(plaintext.data(), plaintext.size());
}

void BotanChannel::Close() { channel_->close(); }

void BotanChannel::Fail(std::uint8_t alert) {
  channel_->send_alert(Alert(static_cast<Alert::Type>(alert), true));
}

Bytes BotanChannel::Export(std::string_view label, std::span<const std::uint8_t> context,
                           std::size_t size) const {
  const Botan::SymmetricKey material = channel_->key_material_export(
      std::string(label), std::string(context.begin(), context.end()), size);
  return {material.begin(), material.end()};
}

void BotanChannel::ThrowAlert(std::uint8_t alert, const std::string& reason) {
  refused_by_ = alert;
  throw Botan::TLS::TLS_Exception(static_cast<Alert::Type>(alert), reason);
}

// Over TLS 1.2 Botan's server says bad_certificate to whatever VerifyPeer throws. The alert is not
// encrypted yet, and says here what it was meant to.
void BotanChannel::Emit(std::span<const std::uint8_t> records) {
  if (refused_by_ < 0 || !IsPlaintextFatalAlert(records)) return owner_.OnRecords(records);
  Bytes alert(records.begin(), records.end());
  alert.back() = static_cast<std::uint8_t>(refused_by_);
  owner_.OnRecords(alert);
}

void BotanChannel::tls_alert(Alert alert) {
  owner_.OnAlert(static_cast<std::uint8_t>(alert.type()), alert.is_fatal());
}

void BotanChannel::NoteRequest(const std::vector<Botan::X509_DN>& names,
                               CertificateRequest request) {
  for (const Botan::X509_DN& name : names) request.authorities.push_back(name.BER_encode());
  request_ = std::move(request);
}

// Botan asks once for each type of key, and a client's owner is asked once.
std::vector<Botan::X509_Certificate> BotanChannel::Chain(const std::vector<std::string>& key_types,
                                                         const std::string& type) {
  if (type != "tls-client" && type != "tls-server") return {};
  if (!std::exchange(identity_chosen_, true)) identity_ = owner_.ChooseIdentity(request_);
  if (identity_ == nullptr || std::ranges::count(key_types, identity_->key->algo_name()) == 0) {
    return {};
  }
  return identity_->chain;
}

std::vector<std::uint8_t> BotanChannel::SignWith(const Botan::Private_Key& key,
                                                 std::string_view padding,
                                                 std::span<const std::uint8_t> message) {
  return owner_.Sign(identity_->signer, SchemeOf(key.algo_name(), padding), message);
}

// A server that is given any asks for a certificate.
std::vector<Botan::Certificate_Store*> BotanChannel::Anchors(const std::string& type) {
  if (type == "tls-server" && parts_.config.peer_certificate == PeerCertificate::kNotRequested) {
    return {};
  }
  // Botan's interface takes no const; it only reads.
  return {const_cast<Botan::Certificate_Store*>(&parts_.anchors)};
}

}  // namespace detach
