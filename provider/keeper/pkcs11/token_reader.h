// Reading identities from tokens: smart cards, HSMs, and the databases of browsers.
#ifndef DETACH_PROVIDER_KEEPER_PKCS11_TOKEN_READER_H_
#define DETACH_PROVIDER_KEEPER_PKCS11_TOKEN_READER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bio/status.h"
#include "provider/keeper/pkcs11/pkcs11_module.h"
#include "provider/keeper/pkcs11/token_contents.h"

namespace detach {

// TokenReader reads the tokens of all the URIs that a keeper has. It loads each PKCS#11 module
// once, and logs in to each token once. One thread at a time.
class TokenReader {
 public:
  // `provider` is the path of pkcs11-provider; empty: in OpenSSL's directory of modules.
  explicit TokenReader(std::string provider);
  ~TokenReader();
  TokenReader(const TokenReader&) = delete;
  TokenReader& operator=(const TokenReader&) = delete;

  // Expect makes known that `uri` will be read, and reads its PIN. All of them, before the first
  // Read: NSS takes all databases at once. kMisuse for a URI, or a file with a PIN, that cannot be.
  Status Expect(const std::string& uri);

  // Expects tells whether `uri` is expected.
  bool Expects(const std::string& uri) const { return sources_.count(uri) != 0; }

  // Read returns the identities of `uri`, which was expected, as they are now.
  FoundIdentities Read(const std::string& uri);

  // empty tells whether no URI is expected.
  bool empty() const noexcept { return sources_.empty(); }

  // OnlyDatabases tells whether all that are expected are of NSS's databases.
  bool OnlyDatabases() const noexcept;

 private:
  struct Source;
  struct Module;
  struct Place;

  Status Start(Module& module);
  std::string WhereNssFailed(const Module& module) const;
  Result<std::vector<Token>> TokensOf(Module& module);
  Result<Token> NssToken(const std::string& directory, const std::vector<Token>& tokens) const;
  std::vector<Place> BrowsersPlaces(const Source& source, const std::vector<Token>& tokens,
                                    FoundIdentities& found) const;
  static std::vector<Place> PlacesOf(const Source& source, const std::vector<Token>& tokens,
                                     FoundIdentities& found);

  std::string provider_;
  std::map<std::string, std::unique_ptr<Source>> sources_;  // by URI
  std::map<std::string, std::unique_ptr<Module>> modules_;  // by path
  std::vector<std::string> nss_directories_;                // of all sources, each once
  std::vector<std::string> nss_files_;                      // NssFiles of each, when NSS opened it
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_PKCS11_TOKEN_READER_H_
