#include "proxies/identity/key_store.h"

#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "proxies/config/trusted_file.h"

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
    store.certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info));
  } else if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) {
    store.keys.push_back({PkeyPtr(OSSL_STORE_INFO_get1_PKEY(info)), path});
  }
}

// AddAll returns why it stopped before the end, or nothing. A null from OSSL_STORE_load is neither
// the end nor always an error; the bound is for a loader that reports nothing for ever.
std::string AddAll(OSSL_STORE_CTX* context, const std::string& path, KeyStore& store) {
  constexpr int kMaxObjects = 10000;
  for (int i = 0; i < kMaxObjects && OSSL_STORE_eof(context) == 0; ++i) {
    const StoreInfoPtr info(OSSL_STORE_load(context));
    if (info != nullptr) {
      Add(info.get(), path, store);
    } else if (OSSL_STORE_error(context) != 0) {
      return TakeCryptoError();
    }
  }
  ERR_clear_error();
  return {};
}

std::string Describe(bool encrypted, bool found_any, const std::string& error) {
  if (encrypted) {
    return "is encrypted, and there is nobody to ask for the passphrase; store it without one, "
           "readable by this user alone";
  }
  const std::string reason = error.empty() ? "" : " (" + error + ")";
  return found_any ? "is damaged" + reason
                   : "holds neither certificate nor private key that can be read" + reason;
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
  if (context == nullptr) return Internal(path + ": " + TakeCryptoError());
  const std::string error = AddAll(context.get(), path, store);
  OPENSSL_cleanse(contents->data(), contents->size());
  const bool found_any = store.certificates.size() + store.keys.size() > before;
  if (found_any && error.empty() && !encrypted) return {};
  return Misuse(path + ": " + Describe(encrypted, found_any, error));
}

}  // namespace detach
