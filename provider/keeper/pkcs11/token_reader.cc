#include "provider/keeper/pkcs11/token_reader.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "program/token_uri.h"
#include "program/trusted_file.h"
#include "provider/keeper/pkcs11/nss_databases.h"
#include "provider/keeper/pkcs11/pkcs11_library.h"
#include "provider/keeper/pkcs11/pkcs11_uri.h"

namespace detach {
namespace {

// The module that shows the tokens of all others that p11-kit is configured with.
constexpr const char* kAllModules = "libp11-kit.so.0";

// The label of the token that stands for nss_directories_[i].
std::string NssLabel(std::size_t i) { return "detach-" + std::to_string(i); }

std::string NamesOf(const std::vector<Token>& tokens) {
  std::string names;
  for (const Token& token : tokens) {
    names += (names.empty() ? "there are \"" : ", \"") + TokenLabel(token.info) + '"';
  }
  return names.empty() ? "there is none" : names;
}

}  // namespace

struct TokenReader::Source {
  std::string text;
  std::optional<BrowserUri> browser;
  Pkcs11Uri objects;  // of a browser's database: whatever is there
  std::string module;
  std::string pin;

  ~Source() { OPENSSL_cleanse(pin.data(), pin.size()); }
};

struct TokenReader::Module {
  std::string path;
  bool was_started = false;
  Status problem;  // of the start
  std::unique_ptr<Pkcs11Module> module;
  std::shared_ptr<OSSL_LIB_CTX> library;
  std::set<std::string> known;  // to `library`: Token::Key of those that were there
};

struct TokenReader::Place {
  Token token;
  std::string name;  // for a person
};

TokenReader::TokenReader(std::string provider) : provider_(std::move(provider)) {}
TokenReader::~TokenReader() = default;

Status TokenReader::Expect(const std::string& uri) {
  auto source = std::make_unique<Source>();
  source->text = uri;
  std::string pin_path;
  if (uri.starts_with(kBrowserScheme)) {
    Result<BrowserUri> browser = BrowserUri::Parse(uri);
    if (!browser.ok()) return browser.status();
    for (std::string& directory : FindNssDirectories(*browser).found) {
      AddNotice(std::move(directory), nss_directories_);
    }
    pin_path = browser->pin_path;
    source->module = kNssModule;
    source->browser = *std::move(browser);
  } else {
    Result<Pkcs11Uri> objects = Pkcs11Uri::Parse(uri);
    if (!objects.ok()) return objects.status();
    pin_path = objects->pin_path();
    source->module = objects->module_path().empty() ? kAllModules : objects->module_path();
    source->objects = *std::move(objects);
  }
  if (!pin_path.empty()) {
    Result<std::string> pin = ReadSecretLine(pin_path);
    if (!pin.ok()) return pin.status();
    source->pin = *std::move(pin);
  }
  if (auto& module = modules_[source->module]; !module) {
    module = std::make_unique<Module>();
    module->path = source->module;
  }
  sources_[uri] = std::move(source);
  return {};
}

bool TokenReader::OnlyDatabases() const noexcept {
  return std::all_of(modules_.begin(), modules_.end(),
                     [](const auto& module) { return module.first == kNssModule; });
}

// NSS takes all databases or none, and does not say which one it cannot open.
std::string TokenReader::WhereNssFailed(const Module& module) const {
  if (module.path != kNssModule) return {};
  std::string directories;
  for (const std::string& directory : nss_directories_) directories += " " + directory;
  return "; it was to open" + directories + "; name those that are whole: browser:/directory";
}

Status TokenReader::Start(Module& module) {
  if (module.was_started) return module.problem;
  module.was_started = true;
  std::string parameters;
  if (module.path == kNssModule) {
    std::vector<std::string> labels;
    for (const std::string& directory : nss_directories_) {
      labels.push_back(NssLabel(labels.size()));
      nss_files_.push_back(NssFiles(directory));
    }
    parameters = NssParameters(nss_directories_, labels);
  }
  Result<std::unique_ptr<Pkcs11Module>> loaded = Pkcs11Module::Load(module.path, parameters);
  if (loaded.ok()) {
    module.module = *std::move(loaded);
  } else {
    module.problem = Misuse(loaded.status().message() + WhereNssFailed(module));
  }
  return module.problem;
}

// TokensOf returns what is in the slots, and sees to it that `module`'s library knows it.
Result<std::vector<Token>> TokenReader::TokensOf(Module& module) {
  if (Status status = Start(module); !status.ok()) return status;
  Result<std::vector<Token>> tokens = module.module->Tokens();
  if (!tokens.ok()) return tokens;
  std::set<std::string> there;
  for (const Token& token : *tokens) there.insert(token.Key());
  if (module.library != nullptr && there == module.known) return tokens;
  Result<std::shared_ptr<OSSL_LIB_CTX>> library = OpenPkcs11Library(provider_, module.path);
  if (!library.ok()) return library.status();
  module.library = *std::move(library);
  module.known = std::move(there);
  return tokens;
}

std::vector<TokenReader::Place> TokenReader::PlacesOf(const Source& source,
                                                      const std::vector<Token>& tokens,
                                                      FoundIdentities& found) {
  std::vector<Place> places;
  for (const Token& token : tokens) {
    if (!source.objects.Matches(token.info)) continue;
    places.push_back({token, "pkcs11:token=" + TokenLabel(token.info)});
  }
  if (places.empty()) {
    AddNotice("\"" + source.text + "\": there is no such token; " + NamesOf(tokens), found.notices);
  }
  return places;
}

// NssToken returns the token of the database in `directory`, where NSS has opened it as it is now.
Result<Token> TokenReader::NssToken(const std::string& directory,
                                    const std::vector<Token>& tokens) const {
  const auto fail = [&](const char* what) {
    return Misuse(directory + ": " + what +
                  "; NSS takes databases at the keeper's start only: start it again, or reload the "
                  "proxy that has started it");
  };
  const auto known = std::find(nss_directories_.begin(), nss_directories_.end(), directory);
  if (known == nss_directories_.end()) return fail("is new");
  const auto i = static_cast<std::size_t>(known - nss_directories_.begin());
  if (NssFiles(directory) != nss_files_[i]) return fail("has been replaced");
  for (const Token& token : tokens) {
    if (TokenLabel(token.info) == NssLabel(i)) return token;
  }
  return fail("is not what it was");
}

std::vector<TokenReader::Place> TokenReader::BrowsersPlaces(const Source& source,
                                                            const std::vector<Token>& tokens,
                                                            FoundIdentities& found) const {
  std::vector<Place> places;
  NssDirectories directories = FindNssDirectories(*source.browser);
  for (std::string& notice : directories.notices) AddNotice(std::move(notice), found.notices);
  for (const std::string& directory : directories.found) {
    Result<Token> token = NssToken(directory, tokens);
    if (token.ok()) {
      places.push_back({*std::move(token), "browser:" + directory});
    } else {
      AddNotice(token.status().message(), found.notices);
    }
  }
  return places;
}

FoundIdentities TokenReader::Read(const std::string& uri) {
  FoundIdentities found;
  const Source& source = *sources_.at(uri);
  Module& module = *modules_.at(source.module);
  const bool nothing_to_open = source.browser && nss_directories_.empty();
  Result<std::vector<Token>> tokens = std::vector<Token>();
  if (!nothing_to_open) tokens = TokensOf(module);
  if (!tokens.ok()) {
    found.notices.push_back(tokens.status().message());
    return found;
  }
  const std::vector<Place> places =
      source.browser ? BrowsersPlaces(source, *tokens, found) : PlacesOf(source, *tokens, found);
  for (const Place& place : places) {
    found.places.push_back(place.name);
    const Status login = module.module->LogIn(place.token, source.pin);
    if (login.ok()) {
      AddToken(source.objects, place.token, place.name, *module.module, module.library, found);
    } else {
      AddNotice(place.name + ": " + login.message(), found.notices);
    }
  }
  return found;
}

}  // namespace detach
