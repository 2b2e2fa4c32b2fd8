#include "provider/keeper/identity.h"

#include <openssl/crypto.h>

#include <optional>
#include <utility>

#include "program/file_uri.h"
#include "program/trusted_file.h"

namespace detach {
namespace {

// Read takes apart `bytes`, and says why where it cannot.
Status Read(const std::string& bytes, const std::string& uri, Passphrase& passphrase,
            KeyStore& store) {
  const bool whole = AddFileContents(bytes, uri, passphrase, store);
  if (whole && store.keys.size() == 1) return {};
  const std::string reason = TakeCryptoError();
  if (store.keys.size() > 1) return Misuse("holds more than one private key");
  if (passphrase.was_asked && passphrase.text.empty()) {
    return Misuse("is encrypted; name the file with its passphrase: passphrase_file = \"/path\"");
  }
  if (passphrase.was_asked) return Misuse("does not open with the passphrase given" + reason);
  return Misuse("holds no private key that can be read" + reason);
}

Result<KeyId> CertificateKeyId(const X509* certificate) {
  const std::vector<std::uint8_t> der = PublicKeyDer(certificate);
  KeyId id = {};
  std::size_t size = 0;
  if (der.empty() ||
      EVP_Q_digest(nullptr, "SHA256", nullptr, der.data(), der.size(), id.data(), &size) != 1) {
    return Internal("a public key's hash cannot be computed" + TakeCryptoError());
  }
  return id;
}

std::vector<std::uint8_t> Joined(const std::vector<std::vector<std::uint8_t>>& certificates) {
  std::vector<std::uint8_t> chain;
  for (const auto& der : certificates) chain.insert(chain.end(), der.begin(), der.end());
  return chain;
}

}  // namespace

X509Ptr OwnCertificate(const KeyAndChain& identity) {
  const unsigned char* at = identity.chain.data();
  return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(identity.chain.size())));
}

Result<KeyAndChain> AssembleIdentity(StoredKey key,
                                     const std::vector<StoredCertificate>& certificates) {
  X509* leaf = FirstCertificateOf(key.key.get(), certificates);
  if (leaf == nullptr) {
    return Misuse(certificates.empty()
                      ? "holds no certificate of its private key"
                      : "holds no certificate of its private key; those there are of other keys");
  }
  const Result<KeyId> id = CertificateKeyId(leaf);
  if (!id.ok()) return id.status();
  std::vector<std::uint8_t> chain = Joined(ChainFrom(leaf, certificates));
  if (chain.size() > kMaxChainSize) return Misuse("has a chain of more than 64 KiB");
  return KeyAndChain{.location = std::move(key.place),
                     .key = std::move(key.key),
                     .key_id = *id,
                     .chain = std::move(chain)};
}

Result<KeyAndChain> LoadKeyAndChain(const std::string& uri, const std::string& passphrase) {
  const std::optional<std::string> path = FilePath(uri);
  if (!path) {
    return Misuse("\"" + uri +
                  "\": write file: and an absolute path, as in file:/etc/detach/id.pem");
  }
  Result<std::string> bytes = ReadSecretFile(*path);
  if (!bytes.ok()) return bytes.status();
  Passphrase given{passphrase};
  KeyStore store;
  const Status read = Read(*bytes, uri, given, store);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  if (!read.ok()) return Misuse(uri + ": " + read.message());
  SortByAge(store.certificates);
  Result<KeyAndChain> assembled =
      AssembleIdentity(std::move(store.keys.front()), store.certificates);
  if (!assembled.ok()) return Misuse(uri + ": " + assembled.status().message());
  return assembled;
}

}  // namespace detach
