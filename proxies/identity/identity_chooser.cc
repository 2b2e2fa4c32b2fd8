#include "proxies/identity/identity_chooser.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "program/crypto/crypto_types.h"
#include "proxies/identity/certificate_names.h"

namespace detach {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

constexpr std::size_t kNoPath = std::numeric_limits<std::size_t>::max();

// An identity, measured against a request.
struct Candidate {
  const std::vector<Bytes>* chain = nullptr;
  TimePoint not_before;
  std::size_t path_length = kNoPath;  // intermediates between the leaf and a named authority
  Verdict verdict;
};

class Authorities {
 public:
  explicit Authorities(const CertificateRequest& request) : any_(request.authorities.empty()) {
    for (const Bytes& der : request.authorities) {
      if (NamePtr name = ParseName(der)) names_.push_back(std::move(name));
    }
  }

  // PathLength returns kNoPath where the chain does not lead to a named authority.
  std::size_t PathLength(const std::vector<X509Ptr>& chain) const {
    if (any_) return 0;
    for (std::size_t i = 0; i < chain.size(); ++i) {
      if (Contain(X509_get_issuer_name(chain[i].get()))) return i;
    }
    return kNoPath;
  }

  std::string ToString() const {
    if (any_) return "any authority";
    std::string text;
    for (const NamePtr& name : names_) text += (text.empty() ? "" : " or ") + NameText(name.get());
    return text;
  }

 private:
  bool Contain(const X509_NAME* issuer) const {
    return std::any_of(names_.begin(), names_.end(), [&](const NamePtr& name) {
      return X509_NAME_cmp(name.get(), issuer) == 0;  // in canonical form, RFC 5280 §7.1
    });
  }

  bool any_;
  std::vector<NamePtr> names_;
};

// An absent extension allows every use.
bool MaySign(X509* leaf) { return (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0; }

bool IsForClientAuthentication(X509* leaf) {
  const bool limited = (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0;
  return !limited || (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) != 0;
}

// SchemesOf returns the signature schemes that a TLS client can answer with by `key` (RFC 9846
// §4.2.3: in TLS 1.3 PKCS #1 v1.5 is for signatures in certificates alone). TLS 1.3 ties a curve to
// its hash; so does this, over TLS 1.2 too.
std::vector<std::uint16_t> SchemesOf(const EVP_PKEY* key, TlsVersion version) {
  char curve[32] = {};
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (version >= TlsVersion::kTls13) return {0x0804, 0x0805, 0x0806};
      return {0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601};
    case EVP_PKEY_RSA_PSS:
      return {0x0809, 0x080a, 0x080b};
    case EVP_PKEY_ED25519:
      return {0x0807};
    case EVP_PKEY_ED448:
      return {0x0808};
    case EVP_PKEY_EC:
      EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr);
      switch (OBJ_sn2nid(curve)) {
        case NID_X9_62_prime256v1:
          return {0x0403};
        case NID_secp384r1:
          return {0x0503};
        case NID_secp521r1:
          return {0x0603};
        default:
          return {};
      }
    default:
      return {};
  }
}

bool CanSign(const EVP_PKEY* key, const CertificateRequest& request) {
  if (key == nullptr) return false;
  const std::vector<std::uint16_t>& asked_for = request.signature_schemes;
  const std::vector<std::uint16_t> schemes = SchemesOf(key, request.version);
  return std::find_first_of(schemes.begin(), schemes.end(), asked_for.begin(), asked_for.end()) !=
         schemes.end();
}

// A server refuses the leaf of an intermediate CA that is not valid itself. Above the authority
// that it named, it does not look.
std::string ObstacleAbove(const std::vector<Bytes>& chain, std::size_t path_length, TimePoint now) {
  for (std::size_t i = 1; i <= path_length && i < chain.size(); ++i) {
    const Result<CertificateNames> names = ReadCertificateNames(chain[i]);
    if (!names.ok()) return "is issued below a damaged certificate: " + names.status().message();
    const bool expired = now > names->not_after;
    if (!expired && now >= names->not_before) continue;
    return "is issued below " + names->subject +
           (expired ? ", which expired on " + TimeText(names->not_after)
                    : ", which is not valid before " + TimeText(names->not_before));
  }
  return {};
}

std::string Obstacle(const CertificateNames& names, X509* leaf, std::size_t path_length,
                     const CertificateRequest& request, TimePoint now) {
  if (path_length == kNoPath) return "is issued by " + names.issuer;
  if (now > names.not_after) return "expired on " + TimeText(names.not_after);
  if (now < names.not_before) return "is not valid before " + TimeText(names.not_before);
  if (!MaySign(leaf)) return "has a key that is not for signatures (key usage)";
  if (!IsForClientAuthentication(leaf)) return "is not for client authentication";
  if (!CanSign(X509_get0_pubkey(leaf), request)) {
    return "has a key with which the server takes no signature";
  }
  return {};
}

// Returns nothing unless every certificate parses.
std::vector<X509Ptr> ParseChain(const std::vector<Bytes>& ders) {
  std::vector<X509Ptr> chain;
  for (const Bytes& der : ders) {
    chain.push_back(ParseCertificate(der));
    if (chain.back() == nullptr) return {};
  }
  return chain;
}

Candidate Measure(const Identity& identity, const Authorities& authorities,
                  const CertificateRequest& request, TimePoint now) {
  const std::vector<X509Ptr> chain = ParseChain(identity.chain);
  if (chain.empty()) return {.verdict = {"an identity", "has a damaged certificate"}};
  const Result<CertificateNames> names = ReadCertificateNames(identity.chain.front());
  if (!names.ok()) {
    return {.verdict = {NameText(X509_get_subject_name(chain.front().get())),
                        "is damaged: " + names.status().message()}};
  }
  const std::size_t path_length = authorities.PathLength(chain);
  std::string obstacle = Obstacle(*names, chain.front().get(), path_length, request, now);
  if (obstacle.empty()) obstacle = ObstacleAbove(identity.chain, path_length, now);
  return {.chain = &identity.chain,
          .not_before = names->not_before,
          .path_length = path_length,
          .verdict = {names->subject, std::move(obstacle)}};
}

// The bytes decide at last: of two that are equally good, everywhere and always the same one.
bool IsBetter(const Candidate& a, const Candidate& b) {
  if (a.path_length != b.path_length) return a.path_length < b.path_length;
  if (a.not_before != b.not_before) return a.not_before > b.not_before;
  return *a.chain < *b.chain;
}

Candidate* Best(std::vector<Candidate>& candidates) {
  Candidate* best = nullptr;
  for (Candidate& candidate : candidates) {
    if (!candidate.verdict.obstacle.empty()) continue;
    if (best == nullptr || IsBetter(candidate, *best)) best = &candidate;
  }
  return best;
}

std::string WhyOutranked(const Candidate& candidate, const Candidate& best) {
  const std::string& name = best.verdict.name;
  if (candidate.path_length != best.path_length) return "is less specific than " + name;
  if (candidate.not_before != best.not_before) return "is older than " + name;
  return "is as good as " + name + ", of which one had to be taken";
}

}  // namespace

IdentityChoice ChooseIdentity(std::span<const std::shared_ptr<const Identity>> identities,
                              const CertificateRequest& request, TimePoint now) {
  const Authorities authorities(request);
  std::vector<Candidate> candidates;
  candidates.reserve(identities.size());
  for (const std::shared_ptr<const Identity>& identity : identities) {
    candidates.push_back(Measure(*identity, authorities, request, now));
  }
  const Candidate* const best = Best(candidates);
  IdentityChoice choice;
  choice.authorities = authorities.ToString();
  if (best != nullptr) {
    choice.identity = identities[static_cast<std::size_t>(best - candidates.data())];
  }
  for (Candidate& candidate : candidates) {
    Verdict& verdict = candidate.verdict;
    if (&candidate == best) {
      choice.name = verdict.name;
    } else if (verdict.obstacle.empty()) {
      verdict.obstacle = WhyOutranked(candidate, *best);
    }
    choice.verdicts.push_back(verdict);
  }
  return choice;
}

std::string IdentityChoice::Report() const {
  if (identity != nullptr) return name;
  std::string text = "none fits: the server asks for one from " + authorities;
  if (verdicts.empty()) return text + ", and the certificate database is empty";
  for (const Verdict& verdict : verdicts) text += "; " + verdict.name + " " + verdict.obstacle;
  return text;
}

}  // namespace detach
