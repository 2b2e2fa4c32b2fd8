// What one instance of the provider has: the way back to libcrypto, and the ways to keepers.
#ifndef DETACH_PROVIDER_PROVIDER_CONTEXT_H_
#define DETACH_PROVIDER_PROVIDER_CONTEXT_H_

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "bio/status.h"
#include "provider/keepers.h"

namespace detach {

// kKeyTypes are libcrypto's names of the types of our keys.
inline constexpr const char* kKeyTypes[] = {"RSA", "RSA-PSS", "EC", "ED25519"};

// ProviderContext belongs to one activation of the provider in one OSSL_LIB_CTX. Its members may be
// called from any thread.
class ProviderContext {
 public:
  // Create takes the functions that it needs from `core`, and the parameter `socket` from the
  // provider's section of the configuration. Null where libcrypto fails, or is another than the one
  // that this code is linked to.
  static std::unique_ptr<ProviderContext> Create(const OSSL_CORE_HANDLE* handle,
                                                 const OSSL_DISPATCH* core);

  Keepers& keepers() noexcept { return *keepers_; }

  // private_library has the default provider and not us: public keys are its business, and asking
  // it never comes back here.
  OSSL_LIB_CTX* private_library() const noexcept { return private_library_.get(); }

  // ShowKeys lets libcrypto know the types of our keys, behind those of all other providers.
  void ShowKeys();

  // KeysAreShown tells whether libcrypto, asking on this thread, is to see the types of our keys.
  bool KeysAreShown() const noexcept;

  // LeaveOrdinaryKeys sees to it that who fetches any of kKeyTypes by `properties` gets whom he
  // would get without us. After libcrypto has fetched ours.
  void LeaveOrdinaryKeys(const char* properties) const;

  // Raise puts `status`, which is not ok, on libcrypto's queue of errors.
  void Raise(const Status& status) const;

  // DropErrorsOf runs `act`, and takes what that puts on the queue of errors off again.
  template <typename Act>
  void DropErrorsOf(Act act) const {
    set_error_mark_(handle_);
    act();
    pop_error_to_mark_(handle_);
  }

 private:
  struct FreeLibrary {
    void operator()(OSSL_LIB_CTX* library) const noexcept { OSSL_LIB_CTX_free(library); }
  };

  explicit ProviderContext(const OSSL_CORE_HANDLE* handle) : handle_(handle) {}

  void Take(const OSSL_DISPATCH& function);
  bool IsComplete() const noexcept;
  std::string Parameter(const char* name) const;

  const OSSL_CORE_HANDLE* handle_;
  OSSL_FUNC_CRYPTO_malloc_fn* malloc_ = nullptr;
  OSSL_FUNC_core_get_libctx_fn* get_library_ = nullptr;
  OSSL_FUNC_core_get_params_fn* get_params_ = nullptr;
  OSSL_FUNC_core_new_error_fn* new_error_ = nullptr;
  OSSL_FUNC_core_vset_error_fn* set_error_ = nullptr;
  OSSL_FUNC_core_set_error_mark_fn* set_error_mark_ = nullptr;
  OSSL_FUNC_core_pop_error_to_mark_fn* pop_error_to_mark_ = nullptr;
  std::unique_ptr<OSSL_LIB_CTX, FreeLibrary> private_library_;
  OSSL_LIB_CTX* program_library_ = nullptr;  // which this provider is in
  std::unique_ptr<Keepers> keepers_;
  std::once_flag showing_once_;
  std::atomic<bool> keys_are_shown_ = false;
};

// WithoutExceptions returns what `act` returns. Where there is no memory it says so on the queue of
// errors, and returns `otherwise`: no exception crosses C.
template <typename Value, typename Act>
Value WithoutExceptions(Value otherwise, Act act) noexcept {
  try {
    return act();
  } catch (const std::bad_alloc&) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    return otherwise;
  }
}

}  // namespace detach

#endif  // DETACH_PROVIDER_PROVIDER_CONTEXT_H_
