#include "bio/backend/botan/botan_trust.h"

#include <botan/data_src.h>
#include <botan/exceptn.h>
#include <botan/hash.h>
#include <botan/x509_crl.h>
#include <botan/x509path.h>

#include <algorithm>
#include <memory>
#include <set>
#include <type_traits>

#include "bio/backend/botan/botan_identity.h"
#include "bio/backend/botan/name_constraints.h"
#include "bio/backend/botan/reference_identity.h"
#include "bio/backend/tls_alert.h"

namespace detach {
namespace {

using Code = Botan::Certificate_Status_Code;

// A peer's chain is untrusted input: certificates between the leaf and the anchor.
constexpr std::size_t kMaxIntermediates = 4;
constexpr const char kTooLong[] = "its chain is too long";

// Bits of security: RSA of 2048 bits and more, and no SHA-1.
constexpr std::size_t kMinStrength = 110;

// RFC 5280 §5.2.4, §5.2.5: CRLs with these do not speak of all certificates of their CA.
constexpr const char* kPartialCrl[] = {"2.5.29.27", "2.5.29.28"};

std::uint8_t AlertOf(Code code) {
  switch (code) {
    case Code::CERT_HAS_EXPIRED:
    case Code::CRL_HAS_EXPIRED:
      return alert::kCertificateExpired;
    case Code::CERT_IS_REVOKED:
      return alert::kCertificateRevoked;
    case Code::INVALID_USAGE:
      return alert::kUnsupportedCertificate;
    case Code::NAME_CONSTRAINT_ERROR:
      return alert::kCertificateUnknown;
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
      return alert::kUnknownCa;
    default:
      return alert::kBadCertificate;
  }
}

const char* ReasonOf(Code code) {
  return code == Code::NO_REVOCATION_DATA ? "there is no CRL of its issuer"
                                          : Botan::Path_Validation_Result::status_string(code);
}

BotanRefusal Refuse(std::uint8_t alert, const std::string& reason,
                    const Botan::X509_Certificate& certificate) {
  return {alert, "certificate refused: " + reason + " (subject " +
                     certificate.subject_dn().to_string() + ", issuer " +
                     certificate.issuer_dn().to_string() + ")"};
}

// A certificate of a path: Botan 3 holds them by value, 2.19 by pointer.
template <typename Held>
const Botan::X509_Certificate& Certificate(const Held& held) {
  if constexpr (std::is_same_v<Held, Botan::X509_Certificate>) {
    return held;
  } else {
    return *held;
  }
}

// WorstOf returns the gravest error in `codes`, or OK. Every CRL here is a complete one (LoadCrl),
// so that it covers a certificate wherever that says its CRL is published.
Code WorstOf(const std::set<Code>& codes) {
  for (auto code = codes.rbegin(); code != codes.rend(); ++code) {
    if (*code == Code::NO_MATCHING_CRLDP) continue;
    return *code >= Code::FIRST_ERROR_STATUS ? *code : Code::OK;
  }
  return Code::OK;
}

// A CA that says what it may vouch for (RFC 5280 §4.2.1.12) vouches for nothing else.
bool MayVouch(const Botan::X509_Certificate& authority, Botan::Usage_Type usage) {
  const bool client = usage == Botan::Usage_Type::TLS_CLIENT_AUTH;
  return authority.allowed_extended_usage(client ? "PKIX.ClientAuth" : "PKIX.ServerAuth");
}

// RFC 5280 §5.3: a CRL with a critical entry extension that is not processed says nothing.
bool HasCriticalEntry(const Botan::X509_CRL& crl) {
  return std::ranges::any_of(crl.get_revoked(), [](const Botan::CRL_Entry& entry) {
    const auto extensions = entry.extensions().extensions();
    return std::ranges::any_of(extensions, [](const auto& extension) { return extension.second; });
  });
}

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
  if (client && config_.reference_identity.starts_with('.')) {
    return Misuse("reference_identity \"" + config_.reference_identity +
                  "\" is a domain: give one name in it");
  }
  return {};
}

// Botan's paths end at a self-signed certificate: another anchor would never be found.
Status BotanTrust::LoadAnchor(const Bytes& der) {
  const Result<Botan::X509_Certificate> anchor = ParseBotanCertificate(der);
  if (!anchor.ok()) return anchor.status();
  if (!anchor->is_self_signed()) {
    return Incompatible("the Botan backend takes self-signed trust anchors only: " +
                        anchor->subject_dn().to_string() + " is none");
  }
  store_.add_certificate(*anchor);
  return {};
}

Status BotanTrust::LoadCrl(const Bytes& der) try {
  if (der.empty() || der[0] != 0x30) return Incompatible("this is no DER of a CRL");
  Botan::DataSource_Memory source(der.data(), der.size());
  const Botan::X509_CRL crl(source);
  if (!source.end_of_data()) return Incompatible("bytes behind the DER of a CRL");
  for (const char* partial : kPartialCrl) {
    if (!crl.extensions().extension_set(Botan::OID(partial))) continue;
    return Incompatible("the Botan backend takes complete CRLs only: that of " +
                        crl.issuer_dn().to_string() + " is none");
  }
  if (HasCriticalEntry(crl)) {
    return Incompatible("the Botan backend takes no CRL whose entries have critical extensions: " +
                        crl.issuer_dn().to_string() + "'s has");
  }
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
    return Refuse(alert::kBadCertificate, "its key's fingerprint is not the pinned one", chain[0]);
  }
  // Before Botan looks for paths: their number grows with that of the certificates.
  if (chain.size() > kMaxIntermediates + 2) return Refuse(alert::kUnknownCa, kTooLong, chain[0]);
  if (std::optional<BotanRefusal> refusal = CheckPath(chain)) return refusal;
  if (config_.role == Role::kServer) return std::nullopt;
  if (!MatchesReferenceIdentity(chain[0], config_.reference_identity)) {
    return Refuse(alert::kBadCertificate, "it is not for " + config_.reference_identity, chain[0]);
  }
  return std::nullopt;
}

std::optional<BotanRefusal> BotanTrust::CheckPath(
    const std::vector<Botan::X509_Certificate>& chain) const {
  const Botan::Usage_Type usage = config_.role == Role::kServer
                                      ? Botan::Usage_Type::TLS_CLIENT_AUTH
                                      : Botan::Usage_Type::TLS_SERVER_AUTH;
  const Botan::Path_Validation_Restrictions restrictions(config_.check_revocation, kMinStrength,
                                                         config_.check_revocation);
  const Botan::Path_Validation_Result result =
      Botan::x509_path_validate(chain, restrictions, store_, "", usage);
  const auto& path = result.cert_path();
  const auto& codes = result.all_statuses();
  if (path.empty()) return Refuse(AlertOf(result.result()), ReasonOf(result.result()), chain[0]);
  if (path.size() > kMaxIntermediates + 2) return Refuse(alert::kUnknownCa, kTooLong, chain[0]);
  std::size_t at = 0;
  for (std::size_t i = 1; i < codes.size(); ++i) {
    if (WorstOf(codes[i]) > WorstOf(codes[at])) at = i;
  }
  if (const Code worst = WorstOf(codes[at]); worst != Code::OK) {
    return Refuse(AlertOf(worst), ReasonOf(worst), Certificate(path[at]));
  }
  for (std::size_t i = 1; i < path.size(); ++i) {
    const Botan::X509_Certificate& authority = Certificate(path[i]);
    if (!MayVouch(authority, usage)) {
      return Refuse(alert::kUnsupportedCertificate, ReasonOf(Code::INVALID_USAGE), authority);
    }
    if (ConstrainsUnjudgedNames(authority)) {
      return Refuse(alert::kCertificateUnknown, "it constrains names that Botan does not compare",
                    authority);
    }
  }
  return std::nullopt;
}

}  // namespace detach
