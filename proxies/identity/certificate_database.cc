#include "proxies/identity/certificate_database.h"

#include <algorithm>

namespace detach {
namespace {

bool IsSame(const StoredIdentity& a, const StoredIdentity& b) {
  return a.key_uris == b.key_uris && a.identity->chain == b.identity->chain;
}

// Whoever remembers what it has made of an identity finds it by the object.
void TakeObjects(const std::vector<StoredIdentity>& before, std::vector<StoredIdentity>& now) {
  for (StoredIdentity& stored : now) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& other) { return IsSame(stored, other); });
    if (same != before.end()) stored.identity = same->identity;
  }
}

}  // namespace

std::vector<std::shared_ptr<const Identity>> IdentitiesOf(const LoadedIdentities& found) {
  std::vector<std::shared_ptr<const Identity>> identities;
  for (const StoredIdentity& stored : found.identities) identities.push_back(stored.identity);
  return identities;
}

LoadedIdentities CertificateDatabase::Read() {
  LoadedIdentities all = fixed_;
  LoadedIdentities kept = AskSource();
  for (StoredIdentity& stored : kept.identities) AddIdentity(std::move(stored), all.identities);
  all.skipped.insert(all.skipped.end(), kept.skipped.begin(), kept.skipped.end());
  return all;
}

// Asks without the lock: a keeper that does not answer holds up nobody but who asks it.
LoadedIdentities CertificateDatabase::AskSource() {
  if (!source_) return kept_;
  Result<LoadedIdentities> now = source_();
  const std::lock_guard lock(mutex_);
  if (!now.ok()) {
    LoadedIdentities last = kept_;
    last.skipped.push_back(now.status().message() + "; what it had last is used");
    return last;
  }
  TakeObjects(kept_.identities, now->identities);
  kept_ = *now;
  return *std::move(now);
}

}  // namespace detach
