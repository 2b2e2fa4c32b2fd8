#include "proxies/identity/identity_loader.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "proxies/identity/key_store.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxChain = 8;  // as many certificates as the peer accepts

bool IsNewer(const X509* a, const X509* b) {
  return ASN1_TIME_compare(X509_get0_notBefore(a), X509_get0_notBefore(b)) > 0;
}

const X509* NewestCertificateOf(EVP_PKEY* key, const std::vector<X509Ptr>& certificates) {
  const X509* newest = nullptr;
  for (const X509Ptr& certificate : certificates) {
    if (X509_check_private_key(certificate.get(), key) != 1) continue;
    if (newest == nullptr || IsNewer(certificate.get(), newest)) newest = certificate.get();
  }
  return newest;
}

bool Issued(X509* issuer, X509* subject) { return X509_check_issued(issuer, subject) == X509_V_OK; }

// NextIssuer returns null at a root, whether its certificate is there or not.
X509* NextIssuer(X509* subject, const std::vector<X509Ptr>& certificates) {
  for (const X509Ptr& issuer : certificates) {
    const bool root = Issued(issuer.get(), issuer.get());
    if (!root && Issued(issuer.get(), subject)) return issuer.get();
  }
  return nullptr;
}

std::vector<Bytes> ChainOf(X509* leaf, const std::vector<X509Ptr>& certificates) {
  std::vector<Bytes> chain;
  for (X509* next = leaf; next != nullptr && chain.size() < kMaxChain;
       next = NextIssuer(next, certificates)) {
    chain.push_back(CertificateDer(next));
  }
  return chain;
}

Result<std::shared_ptr<const Identity>> IdentityOf(const StoredKey& stored,
                                                   const std::vector<X509Ptr>& certificates) {
  const X509* leaf = NewestCertificateOf(stored.key.get(), certificates);
  if (leaf == nullptr) {
    return Misuse(stored.path + ": holds a private key that no certificate belongs to");
  }
  Bytes key = PrivateKeyDer(stored.key.get());
  if (key.empty()) return Misuse(stored.path + ": holds a private key that cannot be exported");
  Identity identity{ChainOf(const_cast<X509*>(leaf), certificates), Pkcs8Key{std::move(key)}};
  return std::make_shared<const Identity>(std::move(identity));
}

// The same identity often lies in a directory twice, as alice.pem and alice.p12.
void AddOnce(std::shared_ptr<const Identity> identity,
             std::vector<std::shared_ptr<const Identity>>& identities) {
  const bool known = std::any_of(identities.begin(), identities.end(), [&](const auto& other) {
    return other->chain.front() == identity->chain.front();
  });
  if (!known) identities.push_back(std::move(identity));
}

LoadedIdentities Pair(const KeyStore& store, std::vector<std::string> skipped) {
  LoadedIdentities loaded{{}, std::move(skipped)};
  for (const StoredKey& key : store.keys) {
    Result<std::shared_ptr<const Identity>> identity = IdentityOf(key, store.certificates);
    if (identity.ok()) {
      AddOnce(*std::move(identity), loaded.identities);
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
  return Pair(store, std::move(skipped));
}

}  // namespace

// RFC 8089: file:/path, file:///path, file://localhost/path.
Result<std::string> IdentityPath(const std::string& uri) {
  std::string_view rest = uri;
  if (!rest.starts_with("file:")) {
    return Misuse("\"" + uri + "\": this version reads identities only from file: URIs");
  }
  rest.remove_prefix(5);
  if (rest.starts_with("//localhost/")) rest.remove_prefix(11);
  if (rest.starts_with("///")) rest.remove_prefix(2);
  if (!rest.starts_with("/") || rest.starts_with("//")) {
    return Misuse("\"" + uri + "\": file: needs an absolute path, as in file:/etc/detach/id.pem");
  }
  return std::string(rest);
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
  return loaded->identities.front();
}

}  // namespace detach
