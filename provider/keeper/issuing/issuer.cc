#include "provider/keeper/issuing/issuer.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "provider/keeper/issuing/certificate_request.h"
#include "provider/keeper/issuing/client_certificate.h"

namespace detach {
namespace {

using std::chrono::sys_seconds;

// Why `certificate` is no CA's; empty: it is one.
std::string_view WhyNoAuthority(X509* certificate) {
  constexpr int kNeeded = EXFLAG_BCONS | EXFLAG_CA | EXFLAG_KUSAGE;
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & kNeeded) != kNeeded || (flags & EXFLAG_INVALID) != 0 ||
      (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0) {
    return "its certificate is no CA's; it needs basicConstraints with CA:TRUE, and keyUsage with "
           "keyCertSign";
  }
  return X509_get0_subject_key_id(certificate) != nullptr
             ? ""
             : "its certificate has no subjectKeyIdentifier";
}

// Before the system call filter: timegm(3) may read the zone's file.
sys_seconds TimeOf(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

Result<std::shared_ptr<Issuer>> Issuer::Make(const KeyAndChain& authority, EnrolmentTokens tokens,
                                             std::unique_ptr<SpentTokens> spent,
                                             std::chrono::seconds lifetime) {
  X509Ptr certificate = OwnCertificate(authority);
  if (!certificate) return Internal("its certificate cannot be read" + TakeCryptoError());
  const std::string_view why = WhyNoAuthority(certificate.get());
  if (!why.empty()) return Misuse(std::string(why));
  EVP_PKEY_up_ref(authority.key.get());
  return std::shared_ptr<Issuer>(new Issuer(PkeyPtr(authority.key.get()), std::move(certificate),
                                            std::move(tokens), std::move(spent), lifetime));
}

Issuer::Issuer(PkeyPtr key, X509Ptr certificate, EnrolmentTokens tokens,
               std::unique_ptr<SpentTokens> spent, std::chrono::seconds lifetime)
    : key_(std::move(key)),
      certificate_(std::move(certificate)),
      not_before_(TimeOf(X509_get0_notBefore(certificate_.get()))),
      not_after_(TimeOf(X509_get0_notAfter(certificate_.get()))),
      tokens_(std::move(tokens)),
      spent_(std::move(spent)),
      lifetime_(lifetime) {}

Result<const EnrolmentToken*> Issuer::GoodToken(std::span<const std::uint8_t> token,
                                                sys_seconds now) const {
  const std::optional<Sha256> hash = Sha256Of(token);
  if (!hash) return Internal("a token's hash cannot be computed" + TakeCryptoError());
  const EnrolmentToken* known = tokens_.Find(*hash);
  if (token.size() < kMinToken || known == nullptr) return Incompatible("the token is unknown");
  const std::string name = SubjectAltNameText(known->name);
  if (now >= known->not_after) return Incompatible("the token of " + name + " has expired");
  const Result<bool> spent = spent_->IsSpent(*hash);
  if (!spent.ok()) return spent.status();
  if (*spent) return Incompatible("the token of " + name + " is spent");
  return known;
}

// EndOf returns when what is issued now ends: no later than the CA.
Result<sys_seconds> Issuer::EndOf(sys_seconds now) const {
  if (now < not_before_ || now >= not_after_) {
    return Internal("the CA's certificate is not valid now");
  }
  return std::min(now + lifetime_, not_after_);
}

Result<IssuedCertificate> Issuer::Issue(std::span<const std::uint8_t> token,
                                        std::span<const std::uint8_t> request,
                                        std::chrono::system_clock::time_point time) {
  const auto now = std::chrono::floor<std::chrono::seconds>(time);
  // Before the request: what others send there can take seconds to look at.
  const Result<const EnrolmentToken*> good = GoodToken(token, now);
  if (!good.ok()) return good.status();
  const Result<PkeyPtr> key = RequestedKey(request);
  if (!key.ok()) return key.status();
  const Result<sys_seconds> end = EndOf(now);
  if (!end.ok()) return end.status();
  // First spent, then issued: a crash in between costs its holder another token, and nobody else
  // anything.
  const Result<bool> first = spent_->Spend((*good)->hash);
  if (!first.ok()) return first.status();
  const SubjectAltName& name = (*good)->name;
  if (!*first) return Incompatible("the token of " + SubjectAltNameText(name) + " is spent");
  return MakeClientCertificate({certificate_.get(), key_.get()}, name, key->get(),
                               {std::max(now - kClockDifference, not_before_), *end});
}

}  // namespace detach
