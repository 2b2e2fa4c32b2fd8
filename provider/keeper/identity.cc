#include "provider/keeper/identity.h"

#include <openssl/crypto.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "program/trusted_file.h"

namespace detach {
namespace {

constexpr std::size_t kMaxChain = 8;
constexpr std::size_t kMaxChainSize = 64 << 10;

using StorePtr = std::unique_ptr<OSSL_STORE_CTX, FreeWith<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, FreeWith<OSSL_STORE_INFO_free>>;
using UiMethodPtr = std::unique_ptr<UI_METHOD, FreeWith<UI_destroy_method>>;

struct Passphrase {
  const std::string& text;
  bool was_asked = false;
};

struct Contents {
  std::vector<X509Ptr> certificates;
  std::vector<PkeyPtr> keys;
};

// RFC 8089: file:/path, file:///path, file://localhost/path.
std::optional<std::string> FilePath(std::string_view uri) {
  if (!uri.starts_with("file:")) return std::nullopt;
  uri.remove_prefix(5);
  if (uri.starts_with("//localhost/")) uri.remove_prefix(11);
  if (uri.starts_with("///")) uri.remove_prefix(2);
  if (!uri.starts_with("/") || uri.starts_with("//")) return std::nullopt;
  return std::string(uri);
}

// Stands where OpenSSL would ask on the terminal.
int GivePassphrase(char* buffer, int size, int, void* argument) {
  auto* passphrase = static_cast<Passphrase*>(argument);
  passphrase->was_asked = true;
  const std::string& text = passphrase->text;
  if (text.empty() || std::cmp_greater(text.size(), size)) return -1;
  std::copy(text.begin(), text.end(), buffer);
  return static_cast<int>(text.size());
}

void Add(OSSL_STORE_INFO* info, Contents& contents) {
  if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_CERT) {
    contents.certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info));
  } else if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
    contents.keys.emplace_back(OSSL_STORE_INFO_get1_PKEY(info));
  }
}

// A null from OSSL_STORE_load is neither end nor error; the bound is for a loader that reports
// nothing for ever.
bool AddAll(OSSL_STORE_CTX* store, Contents& contents) {
  constexpr int kMaxObjects = 100;
  for (int i = 0; i < kMaxObjects && OSSL_STORE_eof(store) == 0; ++i) {
    const StoreInfoPtr info(OSSL_STORE_load(store));
    if (info != nullptr) {
      Add(info.get(), contents);
    } else if (OSSL_STORE_error(store) != 0) {
      return false;
    }
  }
  return true;
}

// Read takes apart `bytes`, and says why where it cannot.
Status Read(const std::string& bytes, Passphrase& passphrase, Contents& contents) {
  const BioPtr in(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  const UiMethodPtr ui(UI_UTIL_wrap_read_pem_callback(GivePassphrase, 0));
  ERR_clear_error();
  const StorePtr store(OSSL_STORE_attach(in.get(), "file", nullptr, nullptr, ui.get(), &passphrase,
                                         nullptr, nullptr, nullptr));
  if (store == nullptr) return Internal("cannot be read" + TakeCryptoError());
  const bool whole = AddAll(store.get(), contents);
  if (whole && contents.keys.size() == 1) return {};
  const std::string reason = TakeCryptoError();
  if (contents.keys.size() > 1) return Misuse("holds more than one private key");
  if (passphrase.was_asked && passphrase.text.empty()) {
    return Misuse("is encrypted; name the file with its passphrase: passphrase_file = \"/…\"");
  }
  if (passphrase.was_asked) return Misuse("does not open with the passphrase given" + reason);
  return Misuse("holds no private key that can be read" + reason);
}

bool Issued(X509* issuer, X509* subject) { return X509_check_issued(issuer, subject) == X509_V_OK; }

X509* OwnCertificate(const Contents& contents) {
  for (const X509Ptr& certificate : contents.certificates) {
    if (X509_check_private_key(certificate.get(), contents.keys[0].get()) == 1) {
      return certificate.get();
    }
  }
  return nullptr;
}

// NextIssuer returns null at a root: whoever verifies has it.
X509* NextIssuer(X509* subject, const Contents& contents) {
  for (const X509Ptr& issuer : contents.certificates) {
    const bool root = Issued(issuer.get(), issuer.get());
    if (!root && Issued(issuer.get(), subject)) return issuer.get();
  }
  return nullptr;
}

std::vector<std::uint8_t> ChainOf(X509* leaf, const Contents& contents) {
  std::vector<std::uint8_t> chain;
  std::size_t certificates = 0;
  for (X509* next = leaf; next != nullptr && certificates < kMaxChain; ++certificates) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(next, &der);
    if (size > 0) chain.insert(chain.end(), der, der + size);
    OPENSSL_free(der);
    next = NextIssuer(next, contents);
  }
  return chain;
}

Result<KeyAndChain> Assemble(const std::string& uri, Contents contents) {
  X509* leaf = OwnCertificate(contents);
  ERR_clear_error();
  if (leaf == nullptr) return Misuse("holds no certificate of its private key");
  const Result<KeyId> id = CertificateKeyId(leaf);
  if (!id.ok()) return id.status();
  std::vector<std::uint8_t> chain = ChainOf(leaf, contents);
  if (chain.size() > kMaxChainSize) return Misuse("has a chain of more than 64 KiB");
  return KeyAndChain{uri, std::move(contents.keys[0]), *id, std::move(chain)};
}

}  // namespace

Result<KeyAndChain> LoadKeyAndChain(const std::string& uri, const std::string& passphrase) {
  const std::optional<std::string> path = FilePath(uri);
  if (!path) {
    return Misuse("\"" + uri +
                  "\": write file: and an absolute path, as in file:/etc/detach/id.pem");
  }
  Result<std::string> bytes = ReadSecretFile(*path);
  if (!bytes.ok()) return bytes.status();
  Passphrase given{passphrase};
  Contents contents;
  const Status read = Read(*bytes, given, contents);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  if (!read.ok()) return Misuse(uri + ": " + read.message());
  Result<KeyAndChain> assembled = Assemble(uri, std::move(contents));
  if (!assembled.ok()) return Misuse(uri + ": " + assembled.status().message());
  return assembled;
}

}  // namespace detach
