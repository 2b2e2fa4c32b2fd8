#include "proxies/identity/key_store.h"

#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "program/trusted_file.h"

namespace detach {
namespace {

using StorePtr = std::unique_ptr<OSSL_STORE_CTX, FreeWith<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, FreeWith<OSSL_STORE_INFO_free>>;
using UiMethodPtr = std::unique_ptr<UI_METHOD, FreeWith<UI_destroy_method>>;

// Stands where OpenSSL would ask for a passphrase on the terminal.
int RefusePassphrase(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

void Add(OSSL_STORE_INFO* info, const std::string& path, KeyStore& store) {
  if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_CERT) {
    store.certificates.push_back({X509Ptr(OSSL_STORE_INFO_get1_CERT(info)), path});
  } else if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
    store.keys.push_back({PkeyPtr(OSSL_STORE_INFO_get1_PKEY(info)), path});
  }
}

// AddAll reads until the end, or an error, which it leaves in libcrypto's queue. A null from
// OSSL_STORE_load is neither; the bound is for a loader that reports nothing for ever.
bool AddAll(OSSL_STORE_CTX* context, const std::string& path, KeyStore& store) {
  constexpr int kMaxObjects = 10000;
  for (int i = 0; i < kMaxObjects && OSSL_STORE_eof(context) == 0; ++i) {
    const StoreInfoPtr info(OSSL_STORE_load(context));
    if (info != nullptr) {
      Add(info.get(), path, store);
    } else if (OSSL_STORE_error(context) != 0) {
      return false;
    }
  }
  ERR_clear_error();
  return true;
}

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

}  // namespace

Status AddFile(const std::string& path, KeyStore& store) {
  Result<std::string> contents = ReadTrustedFile(path);
  if (!contents.ok()) return contents.status();
  const std::size_t before = store.certificates.size() + store.keys.size();
  const BioPtr in = MemoryBio(*contents);
  const UiMethodPtr no_terminal(UI_UTIL_wrap_read_pem_callback(RefusePassphrase, 0));
  bool encrypted = false;
  ERR_clear_error();
  const StorePtr context(OSSL_STORE_attach(in.get(), "file", nullptr, nullptr, no_terminal.get(),
                                           &encrypted, nullptr, nullptr, nullptr));
  if (context == nullptr) return Internal(path + ": cannot be read" + TakeCryptoError());
  const bool whole = AddAll(context.get(), path, store);
  OPENSSL_cleanse(contents->data(), contents->size());
  const bool found_any = store.certificates.size() + store.keys.size() > before;
  if (found_any && whole && !encrypted) return {};
  return Misuse(path + ": " + Describe(encrypted, found_any));
}

}  // namespace detach
