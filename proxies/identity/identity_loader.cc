#include "proxies/identity/identity_loader.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "program/crypto/key_store.h"
#include "program/file_uri.h"
#include "program/trusted_file.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

// What is wrong with a file that was not read to its end, or that holds nothing for us.
std::string Describe(bool encrypted, bool found_any) {
  const std::string reason = TakeCryptoError();
  if (encrypted) {
    return "is encrypted, and there is nobody to ask for the passphrase; store it without one, "
           "readable by this user alone";
  }
  if (found_any) return "is damaged" + reason;
  return "holds neither certificate nor private key that can be read" + reason +
         "; PKCS#12 files with old ciphers are to be converted (openssl pkcs12 -legacy)";
}

// AddFile adds to `store` what the file at `path` holds: PEM, DER, or PKCS#12 without a passphrase.
// A file with neither certificate nor key is an error, and so is an encrypted one. Errors begin
// with the path; what was read before the error stays in `store`.
Status AddFile(const std::string& path, KeyStore& store) {
  Result<std::string> contents = ReadTrustedFile(path);
  if (!contents.ok()) return contents.status();
  const std::size_t before = store.certificates.size() + store.keys.size();
  Passphrase nobody_to_ask;
  const bool whole = AddFileContents(*contents, path, nobody_to_ask, store);
  OPENSSL_cleanse(contents->data(), contents->size());
  const bool found_any = store.certificates.size() + store.keys.size() > before;
  if (found_any && whole && !nobody_to_ask.was_asked) return {};
  return Misuse(path + ": " + Describe(nobody_to_ask.was_asked, found_any));
}

Result<StoredIdentity> IdentityOf(const StoredKey& stored,
                                  const std::vector<StoredCertificate>& certificates) {
  X509* const leaf = FirstCertificateOf(stored.key.get(), certificates);
  if (leaf == nullptr) {
    return Misuse(stored.place + ": holds a private key that no certificate belongs to");
  }
  Bytes key = PrivateKeyDer(stored.key.get());
  if (key.empty()) return Misuse(stored.place + ": holds a private key that cannot be exported");
  Identity identity{ChainFrom(leaf, certificates), Pkcs8Key{std::move(key)}};
  return StoredIdentity{std::make_shared<const Identity>(std::move(identity)),
                        {"file:" + stored.place}};
}

// The longer one leads to more authorities; equally long ones differ by their bytes alone.
bool IsBetterChain(const std::vector<Bytes>& a, const std::vector<Bytes>& b) {
  return a.size() != b.size() ? a.size() > b.size() : a < b;
}

LoadedIdentities Pair(KeyStore& store, std::vector<std::string> skipped) {
  LoadedIdentities loaded{{}, std::move(skipped)};
  SortByAge(store.certificates);
  for (const StoredKey& key : store.keys) {
    Result<StoredIdentity> identity = IdentityOf(key, store.certificates);
    if (identity.ok()) {
      AddIdentity(*std::move(identity), loaded.identities);
    } else {
      loaded.skipped.push_back(identity.status().message());
    }
  }
  return loaded;
}

Result<LoadedIdentities> LoadFile(const std::string& path) {
  KeyStore store;
  if (Status status = AddFile(path, store); !status.ok()) return status;
  if (store.keys.empty()) return Misuse(path + ": holds no private key");
  if (store.certificates.empty()) return Misuse(path + ": holds no certificate");
  LoadedIdentities loaded = Pair(store, {});
  if (!loaded.skipped.empty()) return Misuse(loaded.skipped.front());
  return loaded;
}

// Why the owner of `certificate` finds it in no identity; empty for what is part of one, or may
// become part of a chain.
std::string WhyLeftOver(X509* certificate, const KeyStore& store, const LoadedIdentities& loaded) {
  const Bytes der = CertificateDer(certificate);
  const bool taken =
      std::any_of(loaded.identities.begin(), loaded.identities.end(),
                  [&](const auto& stored) { return stored.identity->chain.front() == der; });
  if (taken || X509_check_ca(certificate) != 0) return {};
  const bool has_key = std::any_of(store.keys.begin(), store.keys.end(), [&](const auto& stored) {
    return Belongs(certificate, stored.key.get());
  });
  return has_key ? "there is a newer one for the same key" : "its private key is not there";
}

void SkipLeftOverCertificates(const KeyStore& store, LoadedIdentities& loaded) {
  for (const auto& [certificate, place] : store.certificates) {
    const std::string why = WhyLeftOver(certificate.get(), store, loaded);
    if (why.empty()) continue;
    loaded.skipped.push_back(place + ": the certificate of " +
                             NameText(X509_get_subject_name(certificate.get())) +
                             " is not used: " + why);
  }
}

// FilesOf returns the visible files of `directory` in the order of their names.
Result<std::vector<std::string>> FilesOf(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const bool file = entry->is_regular_file(gone);
    if (file && !entry->path().filename().string().starts_with(".")) files.push_back(entry->path());
  }
  if (error) return Misuse(directory + ": " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

Result<LoadedIdentities> LoadDirectory(const std::string& directory) {
  Result<std::vector<std::string>> files = FilesOf(directory);
  if (!files.ok()) return files.status();
  KeyStore store;
  std::vector<std::string> skipped;
  for (const std::string& file : *files) {
    if (Status status = AddFile(file, store); !status.ok()) skipped.push_back(status.message());
  }
  LoadedIdentities loaded = Pair(store, std::move(skipped));
  SkipLeftOverCertificates(store, loaded);
  return loaded;
}

}  // namespace

Result<std::string> IdentityPath(const std::string& uri) {
  if (!IsFileUri(uri)) {
    return Misuse("\"" + uri + "\": identities are at file:, identity:, pkcs11: or browser: URIs");
  }
  std::optional<std::string> path = FilePath(uri);
  if (path) return *std::move(path);
  return Misuse("\"" + uri + "\": file: needs an absolute path, as in file:/etc/detach/id.pem");
}

void AddIdentity(StoredIdentity added, std::vector<StoredIdentity>& identities) {
  const auto known = std::find_if(identities.begin(), identities.end(), [&](const auto& other) {
    return other.identity->chain.front() == added.identity->chain.front();
  });
  if (known == identities.end()) return identities.push_back(std::move(added));
  if (IsBetterChain(added.identity->chain, known->identity->chain)) {
    known->identity = std::move(added.identity);
  }
  for (std::string& uri : added.key_uris) {
    const auto end = known->key_uris.end();
    if (std::find(known->key_uris.begin(), end, uri) == end) {
      known->key_uris.push_back(std::move(uri));
    }
  }
}

Result<LoadedIdentities> LoadIdentities(const std::string& uri) {
  Result<std::string> path = IdentityPath(uri);
  if (!path.ok()) return path.status();
  std::error_code missing;
  return fs::is_directory(*path, missing) ? LoadDirectory(*path) : LoadFile(*path);
}

Result<std::shared_ptr<const Identity>> LoadIdentity(const std::string& uri) {
  Result<std::string> path = IdentityPath(uri);
  if (!path.ok()) return path.status();
  Result<LoadedIdentities> loaded = LoadFile(*path);
  if (!loaded.ok()) return loaded.status();
  if (loaded->identities.size() != 1) {
    return Misuse(*path + ": holds several private keys; one is needed");
  }
  return loaded->identities.front().identity;
}

}  // namespace detach
