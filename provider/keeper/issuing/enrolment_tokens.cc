#include "provider/keeper/issuing/enrolment_tokens.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "program/trusted_file.h"
#include "provider/keeper/utc_time.h"

namespace detach {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::string_view kBlanks = " \t";

struct Form {
  std::string_view prefix;
  SubjectAltName::Kind kind;
  bool (*fits)(std::string_view);
};

bool IsLetter(char byte) { return byte >= 'a' && byte <= 'z'; }
bool IsLetterOrDigit(char byte) { return IsLetter(byte) || (byte >= '0' && byte <= '9'); }

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char byte) { return IsLetterOrDigit(byte) || byte == '-'; });
}

bool IsDnsName(std::string_view name) {
  while (true) {
    const std::size_t dot = name.find('.');
    if (!IsLabel(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool IsMailbox(std::string_view mailbox) {
  const std::size_t at = mailbox.find('@');
  return at != std::string_view::npos && at > 0 && IsDnsName(mailbox.substr(at + 1));
}

// RFC 3986 §3.1: a scheme, and something behind it.
bool IsUri(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == uri.size()) return false;
  return IsLetter(uri.front()) && std::all_of(uri.begin(), uri.begin() + colon, [](char byte) {
           return IsLetterOrDigit(byte) || byte == '+' || byte == '-' || byte == '.';
         });
}

constexpr Form kForms[] = {
    {"URI:", SubjectAltName::Kind::kUri, IsUri},
    {"DNS:", SubjectAltName::Kind::kDns, IsDnsName},
    {"EMAIL:", SubjectAltName::Kind::kEmail, IsMailbox},
};

bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char byte) { return byte > ' ' && byte < 127; });
}

// Line is one line of the file, taken apart from the left.
struct Line {
  std::string_view text;
  std::size_t column = 1;  // of its first byte that is left, in bytes

  std::string_view Word() {
    Skip(std::min(text.find_first_not_of(kBlanks), text.size()));
    return text.substr(0, text.find_first_of(kBlanks));
  }
  void Skip(std::size_t bytes) {
    text.remove_prefix(bytes);
    column += bytes;
  }
};

// ReadToken reads one, and leaves `line` at what is wrong. Returns what that is; nothing: all is
// well.
std::string_view ReadToken(Line& line, EnrolmentToken& token) {
  std::string_view word = line.Word();
  const std::optional<Sha256> hash = ParseSha256(word);
  if (!hash) return "the SHA-256 of a token belongs here, 64 lower-case hex digits";
  token.hash = *hash;
  line.Skip(word.size());
  word = line.Word();
  std::optional<SubjectAltName> name = ParseSubjectAltName(word);
  if (!name) return "a name belongs here, such as URI:spiffe://corp.example/alice, DNS: or EMAIL:";
  token.name = *std::move(name);
  line.Skip(word.size());
  word = line.Word();
  const std::optional<std::chrono::sys_seconds> expiry = ParseUtc(word);
  if (!expiry) return "the token's end belongs here, such as 2026-11-24T00:00:00Z";
  token.not_after = *expiry;
  line.Skip(word.size());
  return line.Word().empty() ? "" : "there is something behind the token's end; remove it";
}

bool IsSilent(std::string_view line) {
  return line.starts_with('#') || line.find_first_not_of(kBlanks) == std::string_view::npos;
}

}  // namespace

std::optional<SubjectAltName> ParseSubjectAltName(std::string_view text) {
  for (const Form& form : kForms) {
    if (!text.starts_with(form.prefix)) continue;
    const std::string_view value = text.substr(form.prefix.size());
    if (value.size() > kMaxName || !IsVisible(value) || !form.fits(value)) return std::nullopt;
    return SubjectAltName{form.kind, std::string(value)};
  }
  return std::nullopt;
}

std::string SubjectAltNameText(const SubjectAltName& name) {
  const auto* form = std::find_if(std::begin(kForms), std::end(kForms),
                                  [&](const Form& one) { return one.kind == name.kind; });
  return std::string(form->prefix) + name.value;
}

Result<EnrolmentTokens> EnrolmentTokens::Load(const std::string& path) {
  const Result<std::string> contents = ReadSecretFile(path);
  if (!contents.ok()) return contents.status();
  EnrolmentTokens tokens({});
  std::string_view rest = *contents;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    Line line = {rest.substr(0, rest.find('\n'))};
    rest.remove_prefix(std::min(line.text.size() + 1, rest.size()));
    if (IsSilent(line.text)) continue;
    EnrolmentToken token;
    std::string_view problem = ReadToken(line, token);
    if (problem.empty() && tokens.Find(token.hash) != nullptr) {
      problem = "this token comes twice";
      line.column = 1;
    }
    if (!problem.empty()) {
      return Misuse(path + ":" + std::to_string(number) + ":" + std::to_string(line.column) + ": " +
                    std::string(problem));
    }
    tokens.tokens_.push_back(std::move(token));
  }
  return tokens;
}

const EnrolmentToken* EnrolmentTokens::Find(const Sha256& hash) const noexcept {
  const EnrolmentToken* found = nullptr;
  for (const EnrolmentToken& token : tokens_) {
    if (CRYPTO_memcmp(token.hash.data(), hash.data(), hash.size()) == 0) found = &token;
  }
  return found;
}

}  // namespace detach
