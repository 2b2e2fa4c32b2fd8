#include "provider/keeper/databases.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "program/crypto/crypto_types.h"
#include "program/hex_text.h"
#include "provider/keeper/log.h"

namespace detach {
namespace {

// The first in the subject of its certificate; UTF-8.
std::string CommonName(const KeyAndChain& identity) {
  const X509Ptr certificate = OwnCertificate(identity);
  if (certificate == nullptr) return {};
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  const int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (i < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
  if (size < 0) return {};
  std::string name(text, text + size);
  OPENSSL_free(text);
  return name;
}

// What is no letter or digit of ASCII becomes one dash.
std::string Word(std::string_view text) {
  std::string word;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper || plain) {
      word += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!word.empty() && word.back() != '-') {
      word += '-';
    }
  }
  return word;
}

bool IsTheSame(const KeeperIdentity& a, const KeeperIdentity& b) {
  return a.purpose == b.purpose && a.content.key_id == b.content.key_id;
}

bool IsUnchanged(const KeeperIdentity& a, const KeeperIdentity& b) {
  return IsTheSame(a, b) && a.content.chain == b.content.chain &&
         a.content.location == b.content.location && a.content.library == b.content.library &&
         a.content.signs_pss == b.content.signs_pss;
}

// CaWithKeyOf returns the CA among `holdings` that has the key of `identity`; null: there is none.
const HeldIdentity* CaWithKeyOf(const KeeperIdentity& identity, const Holdings& holdings) {
  const auto ca =
      std::find_if(holdings.identities.begin(), holdings.identities.end(), [&](const auto& one) {
        return one->identity.purpose == Purpose::kIssuing &&
               one->identity.content.key_id == identity.content.key_id;
      });
  return ca != holdings.identities.end() ? ca->get() : nullptr;
}

void Add(KeeperIdentity identity, const Holdings& before, Holdings& now) {
  if (const HeldIdentity* ca = CaWithKeyOf(identity, now); ca != nullptr) {
    now.notices.push_back(identity.content.location + ": its identity \"" + identity.name +
                          "\" is not used, for its key is the one by which \"" + ca->identity.name +
                          "\" issues certificates");
    return;
  }
  if (const auto other = FindIn(now, identity.name); other != nullptr) {
    // The same in two browsers, say: one is enough.
    if (IsTheSame(other->identity, identity)) return;
    now.notices.push_back(identity.content.location + ": its identity \"" + identity.name +
                          "\" is not used, for that name is taken by the one of " +
                          other->identity.content.location);
    return;
  }
  std::shared_ptr<HeldIdentity> held = FindIn(before, identity.name);
  const bool is_new = held == nullptr;
  if (is_new || !IsUnchanged(held->identity, identity)) {
    held = std::make_shared<HeldIdentity>(std::move(identity));
  }
  if (is_new) {
    LogEvent("info", "identity_found",
             {{"identity", held->identity.name}, {"at", held->identity.content.location}});
  }
  now.identities.push_back(std::move(held));
}

void LogWhatIsGone(const Holdings& before, const Holdings& now) {
  for (const auto& held : before.identities) {
    if (FindIn(now, held->identity.name) != nullptr) continue;
    LogEvent("info", "identity_gone",
             {{"identity", held->identity.name}, {"at", held->identity.content.location}});
  }
  for (const std::string& notice : now.notices) {
    const auto end = before.notices.end();
    if (std::find(before.notices.begin(), end, notice) != end) continue;
    LogEvent("warning", "passed_over", {{"reason", notice}});
  }
}

}  // namespace

std::string DerivedName(const KeyAndChain& identity) {
  constexpr std::size_t kMaxWord = 48;
  constexpr std::size_t kBytesOfKey = 4;
  std::string name = Word(CommonName(identity)).substr(0, kMaxWord);
  if (!name.empty() && name.back() != '-') name += '-';
  return name + HexText(std::span(identity.key_id).first(kBytesOfKey));
}

Holdings Databases::Look(const Holdings& fixed, const Holdings& before) {
  Holdings now = fixed;
  for (const KeptDatabase& database : databases_) {
    FoundIdentities found = reader_->Read(database.uri);
    for (KeyAndChain& content : found.identities) {
      KeeperIdentity identity;
      identity.name = DerivedName(content);
      identity.purpose = database.purpose;
      identity.unsafe_tls12 = database.unsafe_tls12;
      identity.signatures_per_second = database.signatures_per_second;
      identity.content = std::move(content);
      Add(std::move(identity), before, now);
    }
    for (std::string& notice : found.notices) AddNotice(std::move(notice), now.notices);
  }
  LogWhatIsGone(before, now);
  return now;
}

}  // namespace detach
