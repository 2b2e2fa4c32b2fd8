#include "proxies/identity/identity_chooser.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "proxies/identity/certificate_names.h"
#include "proxies/identity/crypto_types.h"

namespace detach {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

constexpr std::size_t kNoPath = std::numeric_limits<std::size_t>::max();

// An identity, measured against a request.
struct Candidate {
  std::string name;
  TimePoint not_before;
  std::size_t path_length = kNoPath;  // intermediates between the leaf and a named authority
  std::string obstacle;               // why it is not taken; empty: it may be
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
bool IsForClientAuthentication(X509* leaf) {
  const bool signs = (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0;
  const bool limited = (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0;
  return signs && (!limited || (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) != 0);
}

std::string Date(TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm calendar = {};
  gmtime_r(&seconds, &calendar);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &calendar);
  return text;
}

std::string Obstacle(const CertificateNames& names, X509* leaf, std::size_t path_length,
                     TimePoint now) {
  if (path_length == kNoPath) return "is issued by " + names.issuer;
  if (now > names.not_after) return "expired on " + Date(names.not_after);
  if (now < names.not_before) return "is not valid before " + Date(names.not_before);
  if (!IsForClientAuthentication(leaf)) return "is not for client authentication";
  return {};
}

// Measure returns nothing for an identity whose certificates do not parse.
std::optional<Candidate> Measure(const Identity& identity, const Authorities& authorities,
                                 TimePoint now) {
  std::vector<X509Ptr> chain;
  for (const Bytes& der : identity.chain) {
    chain.push_back(ParseCertificate(der));
    if (chain.back() == nullptr) return std::nullopt;
  }
  if (chain.empty()) return std::nullopt;
  const Result<CertificateNames> names = ReadCertificateNames(identity.chain.front());
  if (!names.ok()) return std::nullopt;
  const std::size_t path_length = authorities.PathLength(chain);
  return Candidate{names->subject, names->not_before, path_length,
                   Obstacle(*names, chain.front().get(), path_length, now)};
}

bool IsBetter(const Candidate& a, const Candidate& b) {
  if (a.path_length != b.path_length) return a.path_length < b.path_length;
  return a.not_before > b.not_before;
}

std::string Explain(const Authorities& authorities, const std::vector<Candidate>& refused) {
  std::string text = "none fits: the server asks for one from " + authorities.ToString();
  if (refused.empty()) return text + ", and the certificate database is empty";
  for (const Candidate& candidate : refused) {
    text += "; " + candidate.name + " " + candidate.obstacle;
  }
  return text;
}

}  // namespace

IdentityChoice ChooseIdentity(std::span<const std::shared_ptr<const Identity>> identities,
                              const CertificateRequest& request, TimePoint now) {
  const Authorities authorities(request);
  std::optional<Candidate> best;
  std::shared_ptr<const Identity> chosen;
  std::vector<Candidate> refused;
  for (const std::shared_ptr<const Identity>& identity : identities) {
    std::optional<Candidate> candidate = Measure(*identity, authorities, now);
    if (!candidate) continue;
    if (!candidate->obstacle.empty()) {
      refused.push_back(*std::move(candidate));
    } else if (!best || IsBetter(*candidate, *best)) {
      best = std::move(candidate);
      chosen = identity;
    }
  }
  return {chosen, best ? best->name : Explain(authorities, refused)};
}

}  // namespace detach
