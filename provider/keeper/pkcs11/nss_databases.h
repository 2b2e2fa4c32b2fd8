// NSS's databases of certificates and keys, above all those of browsers.
#ifndef DETACH_PROVIDER_KEEPER_PKCS11_NSS_DATABASES_H_
#define DETACH_PROVIDER_KEEPER_PKCS11_NSS_DATABASES_H_

#include <string>
#include <vector>

#include "bio/status.h"

namespace detach {

// The module of all NSS databases: NSS's own PKCS#11 module, as dlopen finds it.
inline constexpr const char* kNssModule = "libsoftokn3.so";

// NssDirectories are those that a `browser:` URI leads to.
struct NssDirectories {
  std::vector<std::string> found;
  std::vector<std::string> notices;  // those that cannot be used, and why
};

// BrowserUri is `browser:` (every browser's), `browser:chromium`, `browser:firefox` or
// `browser:/directory`, and behind it perhaps `?pin-source=file:/path`: the database's password.
struct BrowserUri {
  std::string which;  // "", "chromium", "firefox" or a path
  std::string pin_path;

  // Parse: kMisuse, beginning with the URI, for what is none.
  static Result<BrowserUri> Parse(const std::string& uri);
};

// FindNssDirectories looks for those of the user who runs this process, in the places where the
// browsers look for them. Nothing is made there.
NssDirectories FindNssDirectories(const BrowserUri& uri);

// NssFiles returns what tells the files of the database in `directory` from others of the same
// names: NSS has them open, and reads those whatever stands there later.
std::string NssFiles(const std::string& directory);

// NssParameters returns what kNssModule is to be initialised with, so that the token of
// directories[i] is labelled labels[i]. There is one such initialisation in a process: a second one
// would show the first one's databases. All are for reading only: NSS would make databases where
// there are none.
std::string NssParameters(const std::vector<std::string>& directories,
                          const std::vector<std::string>& labels);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PKCS11_NSS_DATABASES_H_
