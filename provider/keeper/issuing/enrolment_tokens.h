// One-time tokens: who holds one may have one certificate, for one name.
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_ENROLMENT_TOKENS_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_ENROLMENT_TOKENS_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/issuing/sha256.h"

namespace detach {

// SubjectAltName is one name of a certificate (RFC 5280 §4.2.1.6), of visible ASCII.
struct SubjectAltName {
  enum class Kind { kUri, kDns, kEmail };
  Kind kind = Kind::kUri;
  std::string value;
};

// ParseSubjectAltName reads "URI:spiffe://corp.example/alice", "DNS:host.example" (lower case, no
// wildcard) or "EMAIL:alice@corp.example". Nothing for any other text.
std::optional<SubjectAltName> ParseSubjectAltName(std::string_view text);

// SubjectAltNameText writes it in the same form.
std::string SubjectAltNameText(const SubjectAltName& name);

// EnrolmentToken is what the keeper knows of one: not the token itself.
struct EnrolmentToken {
  Sha256 hash = {};
  SubjectAltName name;
  std::chrono::sys_seconds not_after;  // it is good before this
};

// EnrolmentTokens are those that somebody has written down for a keeper.
class EnrolmentTokens {
 public:
  // Load reads the file at `path`, which others may not read: a line for each,
  //
  //     HASH NAME EXPIRY
  //
  // which are the SHA-256 of the token as 64 lower-case hex digits, a name as above, and a time as
  // of ParseUtc, with blanks between them; lines that begin with '#', and empty ones, say nothing.
  // kMisuse, beginning with "path:line:column: ", for any other line, and where a token comes
  // twice.
  static Result<EnrolmentTokens> Load(const std::string& path);

  // Find returns the token whose hash this is, or null; in the time that it takes for any of them.
  const EnrolmentToken* Find(const Sha256& hash) const noexcept;

  std::size_t size() const noexcept { return tokens_.size(); }

 private:
  explicit EnrolmentTokens(std::vector<EnrolmentToken> tokens) : tokens_(std::move(tokens)) {}

  std::vector<EnrolmentToken> tokens_;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_ENROLMENT_TOKENS_H_
