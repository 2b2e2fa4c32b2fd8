// The Botan backend (2.19 and 3): one connection.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_BACKEND_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bio/backend/botan/botan_channel.h"
#include "bio/backend/botan/botan_identity.h"
#include "bio/backend/botan/botan_sessions.h"
#include "bio/backend/botan/botan_trust.h"
#include "bio/backend/tls_backend.h"
#include "bio/backend/tls_config.h"
#include "bio/status.h"

namespace detach {

// BotanSetup is what all connections of one context share. Thread-safe.
class BotanSetup {
 public:
  explicit BotanSetup(const TlsConfig& configuration);
  BotanSetup(const BotanSetup&) = delete;
  BotanSetup& operator=(const BotanSetup&) = delete;
  ~BotanSetup();

  // Init parses what the configuration holds; see NewBotanContext for its errors.
  Status Init();

  // Choose returns the identity to answer `request` with, or null for none. The result stays as
  // long as this object.
  Result<const BotanIdentity*> Choose(const CertificateRequest& request);

  const TlsConfig config;
  const std::shared_ptr<const Botan::TLS::Policy> policy;
  BotanTrust trust{config};
  BotanSessionMemory sessions;

 private:
  class Parsed;
  Status CheckVersions() const;
  Status CheckProtocols() const;

  std::optional<BotanIdentity> identity_;
  const std::unique_ptr<Parsed> parsed_;  // what the chooser has returned so far
};

class BotanBackend final : public TlsBackend, private BotanChannel::Owner {
 public:
  // Borrows `setup`.
  explicit BotanBackend(BotanSetup& setup);
  BotanBackend(const BotanBackend&) = delete;
  BotanBackend& operator=(const BotanBackend&) = delete;
  ~BotanBackend() override;

  Status Start(Sink& sink) noexcept override;
  Status Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept override;
  Status Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept override;
  Status SendCloseNotify(Sink& sink) noexcept override;
  Status UpdateKeys(Sink& sink) noexcept override;
  bool half_detach() const noexcept override;
  Result<Bytes> Export(std::string_view label, std::span<const std::uint8_t> context,
                       std::size_t size) const noexcept override;
  Result<HandshakeSummary> Summary() const noexcept override;
  std::optional<std::uint8_t> peer_alert() const noexcept override { return peer_alert_; }

 private:
  void OnRecords(std::span<const std::uint8_t> records) override;
  void OnPlaintext(std::span<const std::uint8_t> bytes) override;
  void OnAlert(std::uint8_t description, bool fatal) override;
  void OnFacts(const BotanFacts& facts) override { facts_ = facts; }
  void OnHandshakeDone() override { activated_ = true; }
  void VerifyPeer(const std::vector<Botan::X509_Certificate>& chain) override;
  const BotanIdentity* ChooseIdentity(const CertificateRequest& request) override;
  std::string ChooseProtocol(const std::vector<std::string>& offered) override;
  Bytes Sign(const Signer& signer, std::uint16_t scheme,
             std::span<const std::uint8_t> message) override;

  template <typename Call>
  Status Run(Sink& sink, bool reading, Call call) noexcept;
  template <typename Call>
  void ToSink(Call call);
  Status Accept(std::span<const std::uint8_t> record);
  void Report();
  void CheckProtocol();
  [[noreturn]] void End(Status cause, std::uint8_t alert);

  BotanSetup& setup_;
  const std::shared_ptr<BotanSessions> sessions_;
  BotanChannel channel_;
  Sink* sink_ = nullptr;     // set while a call runs
  Status cause_;             // the first error of ours in the call that runs; Botan may hide it
  std::size_t emitted_ = 0;  // records that came out in the call that runs
  std::size_t silent_bytes_ = 0;  // received since plaintext last came out
  BotanFacts facts_;
  bool activated_ = false;       // Botan has finished the handshake
  bool handshake_done_ = false;  // and the owner knows
  bool close_notify_ = false;    // the peer's, authentic where handshake_done_
  bool closed_ = false;          // our close_notify is out, or comes out of the running call
  bool answers_ = false;         // Botan answers the peer's close_notify in the running call
  std::optional<std::uint8_t> peer_alert_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_BACKEND_H_
