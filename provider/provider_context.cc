#include "provider/provider_context.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <cstdarg>

namespace detach {
namespace {

template <typename Function>
void TakeAs(Function*& member, const OSSL_DISPATCH& function) {
  member = reinterpret_cast<Function*>(function.function);
}

using KeymgmtPtr = std::unique_ptr<EVP_KEYMGMT, void (*)(EVP_KEYMGMT*)>;

// While it is set libcrypto, asking on this thread, sees the types of our keys.
thread_local bool showing_keys = false;

KeymgmtPtr Fetch(OSSL_LIB_CTX* library, const char* type, const char* properties) {
  return {EVP_KEYMGMT_fetch(library, type, properties), EVP_KEYMGMT_free};
}

// A provider of nothing, in our own name.
constexpr const char* kNothing = "detach-nothing";

int InitNothing(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions,
                void** provider) {
  static const OSSL_DISPATCH kNone[] = {{0, nullptr}};
  *functions = kNone;
  *provider = nullptr;
  return 1;
}

// libcrypto forgets whom it has found for whom when another provider comes.
void ForgetFetched(OSSL_LIB_CTX* library) {
  if (OSSL_PROVIDER* nothing = OSSL_PROVIDER_try_load(library, kNothing, 1)) {
    OSSL_PROVIDER_unload(nothing);
  }
}

// libcrypto has no reasons to choose from but those of provider.cc.
std::uint32_t ReasonOf(Fault fault) { return static_cast<std::uint32_t>(fault); }

}  // namespace

std::unique_ptr<ProviderContext> ProviderContext::Create(const OSSL_CORE_HANDLE* handle,
                                                         const OSSL_DISPATCH* core) {
  std::unique_ptr<ProviderContext> context(new ProviderContext(handle));
  for (; core->function_id != 0; ++core) context->Take(*core);
  context->private_library_.reset(OSSL_LIB_CTX_new());
  if (!context->IsComplete()) return nullptr;
  context->program_library_ =
      reinterpret_cast<OSSL_LIB_CTX*>(context->get_library_(context->handle_));
  context->keepers_ = std::make_unique<Keepers>(context->Parameter("socket"));
  return context;
}

// Of another libcrypto than the one that we are linked to nothing could be called but `core`.
bool ProviderContext::IsComplete() const noexcept {
  return malloc_ == CRYPTO_malloc && get_library_ != nullptr && get_params_ != nullptr &&
         new_error_ != nullptr && set_error_ != nullptr && set_error_mark_ != nullptr &&
         pop_error_to_mark_ != nullptr && private_library_;
}

void ProviderContext::Take(const OSSL_DISPATCH& function) {
  switch (function.function_id) {
    case OSSL_FUNC_CRYPTO_MALLOC:
      return TakeAs(malloc_, function);
    case OSSL_FUNC_CORE_GET_LIBCTX:
      return TakeAs(get_library_, function);
    case OSSL_FUNC_CORE_GET_PARAMS:
      return TakeAs(get_params_, function);
    case OSSL_FUNC_CORE_NEW_ERROR:
      return TakeAs(new_error_, function);
    case OSSL_FUNC_CORE_VSET_ERROR:
      return TakeAs(set_error_, function);
    case OSSL_FUNC_CORE_SET_ERROR_MARK:
      return TakeAs(set_error_mark_, function);
    case OSSL_FUNC_CORE_POP_ERROR_TO_MARK:
      return TakeAs(pop_error_to_mark_, function);
    default:
      return;
  }
}

std::string ProviderContext::Parameter(const char* name) const {
  char* value = nullptr;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_ptr(name, &value, 0),
                         OSSL_PARAM_construct_end()};
  if (get_params_(handle_, params) != 1 || value == nullptr) return {};
  return value;
}

// Of several providers that have "RSA" libcrypto takes, unless it is told otherwise, the one that
// it knows for longer. It gets to know a provider's key types when it is first asked for any: so
// ours are hidden until it knows all others', and then stand behind them for ever.
void ProviderContext::ShowKeys() {
  std::call_once(showing_once_, [this] {
    DropErrorsOf([this] {
      OSSL_PROVIDER_add_builtin(program_library_, kNothing, InitNothing);
      Fetch(program_library_, "RSA", nullptr);
      showing_keys = true;
      Fetch(program_library_, "RSA", "provider=detach");
      showing_keys = false;
      keys_are_shown_ = true;
      for (const char* type : kKeyTypes) Fetch(program_library_, type, nullptr);
    });
  });
}

bool ProviderContext::KeysAreShown() const noexcept { return showing_keys || keys_are_shown_; }

// libcrypto remembers whom it has found, and for whom; but who asks for nobody in particular gets
// the first that it remembers, which may be one that somebody else had asked for by name. It
// fetches our key type by our name before each operation.
void ProviderContext::LeaveOrdinaryKeys(const char* properties) const {
  DropErrorsOf([&] {
    for (const char* type : kKeyTypes) {
      const KeymgmtPtr found = Fetch(program_library_, type, properties);
      if (!found) continue;
      const OSSL_PROVIDER* provider = EVP_KEYMGMT_get0_provider(found.get());
      if (OSSL_PROVIDER_get0_provider_ctx(provider) != this) continue;
      ForgetFetched(program_library_);
      Fetch(program_library_, type, properties);
    }
  });
}

void ProviderContext::Raise(const Status& status) const {
  const auto set = [&](const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_error_(handle_, ReasonOf(status.fault()), format, arguments);
    va_end(arguments);
  };
  new_error_(handle_);
  set("%s", status.message().c_str());
}

}  // namespace detach
