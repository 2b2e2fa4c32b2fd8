// The certificate database of a client: what lies in files, and what keepers have at the moment.
#ifndef DETACH_PROXIES_IDENTITY_CERTIFICATE_DATABASE_H_
#define DETACH_PROXIES_IDENTITY_CERTIFICATE_DATABASE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "bio/backend/tls_config.h"
#include "bio/status.h"
#include "proxies/identity/identity_loader.h"

namespace detach {

// IdentitiesOf returns the identities in `found`, in its order, for ChooseIdentity.
std::vector<std::shared_ptr<const Identity>> IdentitiesOf(const LoadedIdentities& found);

// CertificateDatabase is read at each certificate request, so that what is added to a keeper's
// databases while we run is there for the next handshake. Thread-safe.
class CertificateDatabase {
 public:
  // Source returns what a keeper has now. Blocks; called on any thread, also on several at a time.
  using Source = std::function<Result<LoadedIdentities>()>;

  // `fixed` stays as it is. `kept` is what `source` has returned so far; no source: it stays, too.
  explicit CertificateDatabase(LoadedIdentities fixed = {}, LoadedIdentities kept = {},
                               Source source = nullptr)
      : fixed_(std::move(fixed)), source_(std::move(source)), kept_(std::move(kept)) {}

  // blocks tells whether Read, and signing by what it returns, may wait for a keeper.
  bool blocks() const noexcept { return source_ != nullptr; }

  // Read asks the source, and returns all that there is: `fixed` first, each certificate once
  // (AddIdentity). An identity that was there before is the same object again. Where the source
  // fails, it is what the source had last, and one more line of `skipped` says so.
  LoadedIdentities Read();

 private:
  LoadedIdentities AskSource();

  const LoadedIdentities fixed_;
  const Source source_;
  std::mutex mutex_;
  LoadedIdentities kept_;  // guarded by mutex_; without a source it never changes
};

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_CERTIFICATE_DATABASE_H_
