// What a client proxy does, as configured: a connection keeps the policy that it began with.
#ifndef DETACH_PROXIES_CLIENT_CLIENT_POLICY_H_
#define DETACH_PROXIES_CLIENT_CLIENT_POLICY_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bio/backend/tls_backend.h"
#include "bio/status.h"
#include "proxies/client/config.h"
#include "proxies/identity/certificate_database.h"

namespace detach {

// CertificateResponder answers the reverse proxy's certificate requests from the database as it is
// then, and remembers the last answer for logs and error pages: with one reverse proxy it is the
// same for all, until a certificate expires or the database changes. Thread-safe.
class CertificateResponder {
 public:
  explicit CertificateResponder(std::shared_ptr<CertificateDatabase> database)
      : database_(std::move(database)) {}

  std::shared_ptr<const Identity> Answer(const CertificateRequest& request);

  // LogSkipped logs what is passed over in the database; so does Answer, where that has changed.
  void LogSkipped() { LogNew(database_->Read().skipped); }

  // last_answer names the identity that was sent last, or says why there was none
  // (IdentityChoice::Report), and what was passed over.
  std::string last_answer() const;

 private:
  void LogNew(const std::vector<std::string>& skipped);

  const std::shared_ptr<CertificateDatabase> database_;
  mutable std::mutex mutex_;
  std::vector<std::string> logged_;                                   // under mutex_
  std::string last_answer_ = "the reverse proxy has asked for none";  // under mutex_
};

// ClientPolicy is a configuration in force: a connection keeps the one that it began with.
struct ClientPolicy {
  ClientProxyConfig config;
  std::unique_ptr<CertificateResponder> certificates;
  std::unique_ptr<TlsContext> tls;

  // Load reads the file at `path` and all that it names, and starts a keeper where it names what
  // one is to keep. The error (kMisuse) is one line that begins with the path.
  static Result<std::shared_ptr<const ClientPolicy>> Load(const std::string& path,
                                                          const StartKeeper& start);
};

}  // namespace detach

#endif  // DETACH_PROXIES_CLIENT_CLIENT_POLICY_H_
