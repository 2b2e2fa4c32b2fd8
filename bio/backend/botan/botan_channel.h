// A TLS channel of Botan, 2.19 or 3, in one shape: what differs between them is in this unit, in
// botan_policy.h and in botan_signer_key.h.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_CHANNEL_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_CHANNEL_H_

#include <botan/certstor.h>
#include <botan/credentials_manager.h>
#include <botan/tls_callbacks.h>
#include <botan/tls_channel.h>
#include <botan/version.h>
#include <botan/x509cert.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bio/backend/botan/botan_identity.h"
#include "bio/backend/botan/botan_policy.h"
#include "bio/backend/botan/botan_sessions.h"
#include "bio/backend/tls_config.h"

namespace detach {

// BotanFacts is what Botan says of a handshake that is about to finish.
struct BotanFacts {
  std::uint16_t version = 0;  // as on the wire
  std::uint16_t cipher_suite = 0;
  bool resumed = false;
  bool extended_master_secret = false;  // TLS 1.2 only
};

// BotanChannel is one connection. Its calls throw what Botan throws; nothing that was thrown by the
// owner is lost, except behind Fail and Close, where Botan swallows it. After an exception nothing
// but the destructor and the const members may be called.
class BotanChannel final : private Botan::TLS::Callbacks, private Botan::Credentials_Manager {
 public:
  // Owner is told, and asked, while a call runs. May throw.
  class Owner {
   public:
    virtual void OnRecords(std::span<const std::uint8_t> records) = 0;
    virtual void OnPlaintext(std::span<const std::uint8_t> bytes) = 0;
    virtual void OnAlert(std::uint8_t description, bool fatal) = 0;
    virtual void OnFacts(const BotanFacts& facts) = 0;
    virtual void OnHandshakeDone() = 0;
    // VerifyPeer throws, by ThrowAlert, unless `chain` is believed.
    virtual void VerifyPeer(const std::vector<Botan::X509_Certificate>& chain) = 0;
    // ChooseIdentity returns null for none; what it returns stays until the channel is gone.
    // `request` is empty on servers.
    virtual const BotanIdentity* ChooseIdentity(const CertificateRequest& request) = 0;
    // ChooseProtocol returns the one of `offered` that a server takes; empty: none was negotiated.
    virtual std::string ChooseProtocol(const std::vector<std::string>& offered) = 0;
    virtual Bytes Sign(const Signer& signer, std::uint16_t scheme,
                       std::span<const std::uint8_t> message) = 0;

   protected:
    ~Owner() = default;
  };

  struct Parts {
    const TlsConfig& config;
    const std::shared_ptr<const Botan::TLS::Policy>& policy;
    const std::shared_ptr<BotanSessions>& sessions;
    const Botan::Certificate_Store& anchors;  // named in a server's CertificateRequest
  };

  // Borrows all but the shared ones, and `owner`.
  BotanChannel(const Parts& parts, Owner& owner);
  BotanChannel(const BotanChannel&) = delete;
  BotanChannel& operator=(const BotanChannel&) = delete;
  ~BotanChannel() override = default;

  // Open starts the handshake. Called once, before all others.
  void Open();
  void Receive(std::span<const std::uint8_t> record);
  void Send(std::span<const std::uint8_t> plaintext);
  void Close();
  void UpdateKeys();
  // Fail sends a fatal alert where it still can, and ends the channel.
  void Fail(std::uint8_t alert);

  Bytes Export(std::string_view label, std::span<const std::uint8_t> context,
               std::size_t size) const;
  std::vector<Botan::X509_Certificate> peer_chain() const { return channel_->peer_cert_chain(); }
  std::string protocol() const { return channel_->application_protocol(); }

  // ThrowAlert makes Botan end the handshake with `alert`.
  [[noreturn]] void ThrowAlert(std::uint8_t alert, const std::string& reason);

 private:
  void Emit(std::span<const std::uint8_t> records);
  void NoteRequest(const std::vector<Botan::X509_DN>& names, CertificateRequest request);
  std::vector<Botan::X509_Certificate> Chain(const std::vector<std::string>& key_types,
                                             const std::string& type);
  std::vector<std::uint8_t> SignWith(const Botan::Private_Key& key, std::string_view padding,
                                     std::span<const std::uint8_t> message);
  std::vector<Botan::Certificate_Store*> Anchors(const std::string& type);

  void tls_alert(Botan::TLS::Alert alert) override;
  void tls_session_activated() override { owner_.OnHandshakeDone(); }
  void tls_inspect_handshake_msg(const Botan::TLS::Handshake_Message& message) override;
  std::string tls_server_choose_app_protocol(const std::vector<std::string>& offered) override {
    return owner_.ChooseProtocol(offered);
  }
  std::vector<Botan::Certificate_Store*> trusted_certificate_authorities(
      const std::string& type, const std::string& /*context*/) override {
    return Anchors(type);
  }

#if BOTAN_VERSION_MAJOR >= 3
  void tls_emit_data(std::span<const std::uint8_t> records) override { Emit(records); }
  void tls_record_received(std::uint64_t /*number*/, std::span<const std::uint8_t> bytes) override {
    owner_.OnPlaintext(bytes);
  }
  void tls_session_established(const Botan::TLS::Session_Summary& summary) override;
  // RFC 9846 §6.1: the peer's close_notify has no effect on our own direction.
  bool tls_peer_closed_connection() override { return false; }
  void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>& chain,
                             const std::vector<std::optional<Botan::OCSP::Response>>& /*ocsp*/,
                             const std::vector<Botan::Certificate_Store*>& /*roots*/,
                             Botan::Usage_Type /*usage*/, std::string_view /*name*/,
                             const Botan::TLS::Policy& /*policy*/) override {
    owner_.VerifyPeer(chain);
  }
  std::vector<std::uint8_t> tls_sign_message(const Botan::Private_Key& key,
                                             Botan::RandomNumberGenerator& rng,
                                             std::string_view padding,
                                             Botan::Signature_Format format,
                                             const std::vector<std::uint8_t>& message) override;
  std::vector<Botan::X509_Certificate> find_cert_chain(
      const std::vector<std::string>& key_types,
      const std::vector<Botan::AlgorithmIdentifier>& /*schemes*/,
      const std::vector<Botan::X509_DN>& /*acceptable*/, const std::string& type,
      const std::string& /*context*/) override {
    return Chain(key_types, type);
  }
  std::shared_ptr<Botan::Private_Key> private_key_for(const Botan::X509_Certificate& /*leaf*/,
                                                      const std::string& /*type*/,
                                                      const std::string& /*context*/) override {
    return identity_ == nullptr ? nullptr : identity_->key;
  }
#else
  void tls_emit_data(const std::uint8_t records[], std::size_t size) override {
    Emit({records, size});
  }
  void tls_record_received(std::uint64_t /*number*/, const std::uint8_t bytes[],
                           std::size_t size) override {
    owner_.OnPlaintext({bytes, size});
  }
  bool tls_session_established(const Botan::TLS::Session& session) override;
  void tls_verify_cert_chain(
      const std::vector<Botan::X509_Certificate>& chain,
      const std::vector<std::shared_ptr<const Botan::OCSP::Response>>& /*ocsp*/,
      const std::vector<Botan::Certificate_Store*>& /*roots*/, Botan::Usage_Type /*usage*/,
      const std::string& /*name*/, const Botan::TLS::Policy& /*policy*/) override {
    owner_.VerifyPeer(chain);
  }
  std::vector<std::uint8_t> tls_sign_message(const Botan::Private_Key& key,
                                             Botan::RandomNumberGenerator& rng,
                                             const std::string& padding,
                                             Botan::Signature_Format format,
                                             const std::vector<std::uint8_t>& message) override;
  std::vector<Botan::X509_Certificate> find_cert_chain(
      const std::vector<std::string>& key_types, const std::vector<Botan::X509_DN>& /*acceptable*/,
      const std::string& type, const std::string& /*context*/) override {
    return Chain(key_types, type);
  }
  Botan::Private_Key* private_key_for(const Botan::X509_Certificate& /*leaf*/,
                                      const std::string& /*type*/,
                                      const std::string& /*context*/) override {
    return identity_ == nullptr ? nullptr : identity_->key.get();
  }
  bool full_handshake_ = false;  // the server's certificate was sent
#endif

  const Parts parts_;
  Owner& owner_;
  CertificateRequest request_;
  bool identity_chosen_ = false;
  const BotanIdentity* identity_ = nullptr;
  int refused_by_ = -1;  // the alert that ThrowAlert was given
  std::unique_ptr<Botan::TLS::Channel> channel_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_CHANNEL_H_
