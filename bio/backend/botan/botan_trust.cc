#include "bio/backend/botan/botan_trust.h"

#include <botan/data_src.h>
#include <botan/exceptn.h>
#include <botan/hash.h>
#include <botan/x509_crl.h>
#include <botan/x509path.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "bio/backend/botan/botan_identity.h"
#include "bio/backend/botan/reference_identity.h"

namespace detach {
namespace {

using Code = Botan::Certificate_Status_Code;

// A peer's chain is untrusted input: certificates between the leaf and the anchor.
constexpr std::size_t kMaxIntermediates = 4;

// RFC 9846 §6.2.
constexpr std::uint8_t kBadCertificate = 42;
constexpr std::uint8_t kUnsupportedCertificate = 43;
constexpr std::uint8_t kCertificateRevoked = 44;
constexpr std::uint8_t kCertificateExpired = 45;
constexpr std::uint8_t kUnknownCa = 48;

std::uint8_t AlertOf(Code code) {
  switch (code) {
    case Code::CERT_HAS_EXPIRED:
    case Code::CRL_HAS_EXPIRED:
      return kCertificateExpired;
    case Code::CERT_IS_REVOKED:
      return kCertificateRevoked;
    case Code::INVALID_USAGE:
      return kUnsupportedCertificate;
    // No path that vouches for it, or no word from its CA whether it still does.
    case Code::CERT_ISSUER_NOT_FOUND:
    case Code::CANNOT_ESTABLISH_TRUST:
    case Code::CERT_CHAIN_LOOP:
    case Code::CERT_CHAIN_TOO_LONG:
    case Code::CHAIN_LACKS_TRUST_ROOT:
    case Code::CHAIN_NAME_MISMATCH:
    case Code::CA_CERT_NOT_FOR_CERT_ISSUER:
    case Code::CA_CERT_NOT_FOR_CRL_ISSUER:
    case Code::NO_REVOCATION_DATA:
      return kUnknownCa;
    default:
      return kBadCertificate;
  }
}

const char* ReasonOf(Code code) {
  return code == Code::NO_REVOCATION_DATA ? "there is no CRL of its issuer"
                                          : Botan::Path_Validation_Result::status_string(code);
}

std::string NameOf(const Botan::X509_DN& name) {
  std::string text;
  for (const auto& [attribute, value] : name.contents()) {
    text += (text.empty() ? "" : ",") + attribute + "=" + value;
  }
  return text;
}

BotanRefusal Refuse(std::uint8_t alert, const std::string& reason,
                    const Botan::X509_Certificate& certificate) {
  return {alert, "certificate refused: " + reason + " (subject " +
                     NameOf(certificate.subject_dn()) + ", issuer " +
                     NameOf(certificate.issuer_dn()) + ")"};
}

bool IsError(Code code) { return code >= Code::FIRST_ERROR_STATUS; }

}  // namespace

Status BotanTrust::Load() {
  const bool client = config_.role == Role::kClient;
  if (client && config_.peer_certificate != PeerCertificate::kRequired) {
    return Misuse("a TLS client always gets a certificate: peer_certificate must be kRequired");
  }
  if (config_.pinned_spki_sha256 && config_.pinned_spki_sha256->size() != 32) {
    return Misuse("pinned_spki_sha256: a SHA-256 digest has 32 bytes");
  }
  if (!path_counts()) return {};
  const bool checks = config_.peer_certificate != PeerCertificate::kNotRequested;
  if (checks && config_.trust_anchors.empty()) {
    return Misuse("verification without trust anchors would refuse everybody");
  }
  for (const Bytes& der : config_.trust_anchors) {
    if (Status status = LoadAnchor(der); !status.ok()) return status;
  }
  for (const Bytes& der : config_.crls) {
    if (Status status = LoadCrl(der); !status.ok()) return status;
  }
  if (client && config_.reference_identity.empty()) {
    return Misuse("a TLS client needs a reference_identity, or a pinned key instead of it");
  }
  return {};
}

// Botan's paths end at a self-signed certificate: another anchor would never be found.
Status BotanTrust::LoadAnchor(const Bytes& der) {
  const Result<Botan::X509_Certificate> anchor = ParseBotanCertificate(der);
  if (!anchor.ok()) return anchor.status();
  if (!anchor->is_self_signed()) {
    return Incompatible("the Botan backend takes self-signed trust anchors only: " +
                        NameOf(anchor->subject_dn()) + " is none");
  }
  store_.add_certificate(*anchor);
  return {};
}

Status BotanTrust::LoadCrl(const Bytes& der) try {
  if (der.empty() || der[0] != 0x30) return Incompatible("this is no DER of a CRL");
  Botan::DataSource_Memory source(der.data(), der.size());
  const Botan::X509_CRL crl(source);
  if (!source.end_of_data()) return Incompatible("bytes behind the DER of a CRL");
  store_.add_crl(crl);
  return {};
} catch (const Botan::Exception& error) {
  return Incompatible(std::string("this is no DER of a CRL: ") + error.what());
}

std::optional<BotanRefusal> BotanTrust::Check(
    const std::vector<Botan::X509_Certificate>& chain) const {
  if (config_.dangerous_accept_any_peer) return std::nullopt;
  if (config_.pinned_spki_sha256) {
    const auto digest = Botan::HashFunction::create_or_throw("SHA-256")->process(
        chain[0].subject_public_key_info());
    if (std::ranges::equal(digest, *config_.pinned_spki_sha256)) return std::nullopt;
    return Refuse(kBadCertificate, "its key's fingerprint is not the pinned one", chain[0]);
  }
  // Before Botan looks for paths: their number grows with that of the certificates.
  if (chain.size() > kMaxIntermediates + 2) {
    return Refuse(kUnknownCa, "its chain is too long", chain[0]);
  }
  if (std::optional<BotanRefusal> refusal = CheckPath(chain)) return refusal;
  if (config_.role == Role::kServer) return std::nullopt;
  if (!MatchesReferenceIdentity(chain[0], config_.reference_identity)) {
    return Refuse(kBadCertificate, "it is not for " + config_.reference_identity, chain[0]);
  }
  return std::nullopt;
}

std::optional<BotanRefusal> BotanTrust::CheckPath(
    const std::vector<Botan::X509_Certificate>& chain) const {
  const bool server = config_.role == Role::kServer;
  const Botan::Path_Validation_Restrictions restrictions(config_.check_revocation, 110,
                                                         config_.check_revocation);
  const Botan::Path_Validation_Result result = Botan::x509_path_validate(
      chain, restrictions, store_, "",
      server ? Botan::Usage_Type::TLS_CLIENT_AUTH : Botan::Usage_Type::TLS_SERVER_AUTH);
  if (!IsError(result.result())) return std::nullopt;
  const std::string reason = ReasonOf(result.result());
  const auto& all = result.all_statuses();
  for (std::size_t i = 1; i < all.size() && i < chain.size(); ++i) {
    if (all[i].count(result.result()) > 0)
      return Refuse(AlertOf(result.result()), reason, chain[i]);
  }
  return Refuse(AlertOf(result.result()), reason, chain[0]);
}

}  // namespace detach
