// Issuing certificates: from a token, which says for whom, and a request, which says for which key.
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_ISSUER_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_ISSUER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "bio/status.h"
#include "program/crypto/crypto_types.h"
#include "provider/keeper/identity.h"
#include "provider/keeper/issuing/client_certificate.h"
#include "provider/keeper/issuing/enrolment_tokens.h"
#include "provider/keeper/issuing/spent_tokens.h"

namespace detach {

// Issuer is one CA: certificates by which clients say in TLS who they are. It writes them itself:
// of what is asked for it takes the public key alone. May be used by any number of threads.
class Issuer {
 public:
  // No token that is shorter, in bytes, was made by a machine.
  static constexpr std::size_t kMinToken = 16;

  // Make makes one of a CA's key and certificate, the first of its chain. kMisuse where that is no
  // CA's (basicConstraints, keyUsage with keyCertSign, subjectKeyIdentifier).
  static Result<std::shared_ptr<Issuer>> Make(const KeyAndChain& authority, EnrolmentTokens tokens,
                                              std::unique_ptr<SpentTokens> spent,
                                              std::chrono::seconds lifetime);

  // Issue spends `token` for a certificate of the key in `request` (PKCS #10, DER). kViolation: the
  // request is not one that is taken, and the token is as good as before; kIncompatible, with the
  // reason for the log alone: the token is not good; kInternal: something failed, and the token may
  // be spent.
  Result<IssuedCertificate> Issue(std::span<const std::uint8_t> token,
                                  std::span<const std::uint8_t> request,
                                  std::chrono::system_clock::time_point now);

 private:
  Issuer(PkeyPtr key, X509Ptr certificate, EnrolmentTokens tokens,
         std::unique_ptr<SpentTokens> spent, std::chrono::seconds lifetime);

  Result<const EnrolmentToken*> GoodToken(std::span<const std::uint8_t> token,
                                          std::chrono::sys_seconds now) const;
  Result<std::chrono::sys_seconds> EndOf(std::chrono::sys_seconds now) const;

  const PkeyPtr key_;
  const X509Ptr certificate_;
  const std::chrono::sys_seconds not_before_;  // of the CA's certificate
  const std::chrono::sys_seconds not_after_;
  const EnrolmentTokens tokens_;
  const std::unique_ptr<SpentTokens> spent_;
  const std::chrono::seconds lifetime_;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_ISSUER_H_
