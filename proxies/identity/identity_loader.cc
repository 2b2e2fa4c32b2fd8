#include "proxies/identity/identity_loader.h"

#include <openssl/err.h>
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

using StoredCertificates = std::vector<StoredCertificate>;

// The newest first, so that what is looked for is found there first; of the same age by their
// bytes: which one is taken is never for the names of files to say.
void Sort(StoredCertificates& certificates) {
  std::stable_sort(certificates.begin(), certificates.end(), [](const auto& a, const auto& b) {
    const X509* x = a.certificate.get();
    const X509* y = b.certificate.get();
    const int age = ASN1_TIME_compare(X509_get0_notBefore(x), X509_get0_notBefore(y));
    return age != 0 ? age > 0 : X509_cmp(x, y) < 0;
  });
}

bool Belongs(const X509* certificate, EVP_PKEY* key) {
  const bool belongs = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return belongs;
}

X509* NewestCertificateOf(EVP_PKEY* key, const StoredCertificates& certificates) {
  for (const auto& [certificate, path] : certificates) {
    if (Belongs(certificate.get(), key)) return certificate.get();
  }
  return nullptr;
}

bool Issued(X509* issuer, X509* subject) { return X509_check_issued(issuer, subject) == X509_V_OK; }

// NextIssuer returns null at a root, whether its certificate is there or not.
X509* NextIssuer(X509* subject, const StoredCertificates& certificates) {
  for (const auto& [issuer, path] : certificates) {
    const bool root = Issued(issuer.get(), issuer.get());
    if (!root && Issued(issuer.get(), subject)) return issuer.get();
  }
  return nullptr;
}

std::vector<Bytes> ChainOf(X509* leaf, const StoredCertificates& certificates) {
  std::vector<Bytes> chain;
  for (X509* next = leaf; next != nullptr && chain.size() < kMaxChain;
       next = NextIssuer(next, certificates)) {
    chain.push_back(CertificateDer(next));
  }
  return chain;
}

Result<StoredIdentity> IdentityOf(const StoredKey& stored, const StoredCertificates& certificates) {
  X509* const leaf = NewestCertificateOf(stored.key.get(), certificates);
  if (leaf == nullptr) {
    return Misuse(stored.path + ": holds a private key that no certificate belongs to");
  }
  Bytes key = PrivateKeyDer(stored.key.get());
  if (key.empty()) return Misuse(stored.path + ": holds a private key that cannot be exported");
  Identity identity{ChainOf(leaf, certificates), Pkcs8Key{std::move(key)}};
  return StoredIdentity{std::make_shared<const Identity>(std::move(identity)),
                        {"file:" + stored.path}};
}

// The longer one leads to more authorities; equally long ones differ by their bytes alone.
bool IsBetterChain(const std::vector<Bytes>& a, const std::vector<Bytes>& b) {
  return a.size() != b.size() ? a.size() > b.size() : a < b;
}

LoadedIdentities Pair(KeyStore& store, std::vector<std::string> skipped) {
  LoadedIdentities loaded{{}, std::move(skipped)};
  Sort(store.certificates);
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
  for (const auto& [certificate, path] : store.certificates) {
    const std::string why = WhyLeftOver(certificate.get(), store, loaded);
    if (why.empty()) continue;
    loaded.skipped.push_back(path + ": the certificate of " +
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

// RFC 8089: file:/path, file:///path, file://localhost/path.
Result<std::string> IdentityPath(const std::string& uri) {
  std::string_view rest = uri;
  if (!rest.starts_with("file:")) {
    return Misuse("\"" + uri +
                  "\": this version reads identities from file: and identity: URIs only");
  }
  rest.remove_prefix(5);
  if (rest.starts_with("//localhost/")) rest.remove_prefix(11);
  if (rest.starts_with("///")) rest.remove_prefix(2);
  if (!rest.starts_with("/") || rest.starts_with("//")) {
    return Misuse("\"" + uri + "\": file: needs an absolute path, as in file:/etc/detach/id.pem");
  }
  return std::string(rest);
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
