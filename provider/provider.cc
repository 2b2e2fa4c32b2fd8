// detach.so: private keys that stay in a keeper, for any program that uses OpenSSL 3.

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "provider/operations.h"
#include "provider/provider_context.h"

namespace detach {
namespace {

OSSL_FUNC_provider_teardown_fn Teardown;
OSSL_FUNC_provider_gettable_params_fn GettableParams;
OSSL_FUNC_provider_get_params_fn GetParams;
OSSL_FUNC_provider_query_operation_fn QueryOperation;
OSSL_FUNC_provider_get_reason_strings_fn ReasonStrings;

void Teardown(void* provider) { delete static_cast<ProviderContext*>(provider); }

const OSSL_PARAM* GettableParams(void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, nullptr, 0),
      OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, nullptr, 0),
      OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, nullptr),
      OSSL_PARAM_END,
  };
  return kParams;
}

bool SetText(OSSL_PARAM params[], const char* name, const char* text) {
  OSSL_PARAM* param = OSSL_PARAM_locate(params, name);
  return param == nullptr || OSSL_PARAM_set_utf8_ptr(param, text) == 1;
}

int GetParams(void*, OSSL_PARAM params[]) {
  OSSL_PARAM* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
  return static_cast<int>(SetText(params, OSSL_PROV_PARAM_NAME, "Detach: keys in a keeper") &&
                          SetText(params, OSSL_PROV_PARAM_VERSION, "0.1.0") &&
                          (status == nullptr || OSSL_PARAM_set_int(status, 1) == 1));
}

const OSSL_ALGORITHM* QueryOperation(void* provider, int operation, int* no_cache) {
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_STORE:
      return kStoreAlgorithms;
    case OSSL_OP_SIGNATURE:
      return kSignatureAlgorithms;
    case OSSL_OP_KEYMGMT:
      if (static_cast<ProviderContext*>(provider)->KeysAreShown()) return kKeymgmtAlgorithms;
      *no_cache = 1;  // ask again
      return nullptr;
    default:
      return nullptr;
  }
}

const OSSL_ITEM* ReasonStrings(void*) {
  static OSSL_ITEM reasons[] = {
      {static_cast<unsigned>(Fault::kViolation), const_cast<char*>("this is no keeper")},
      {static_cast<unsigned>(Fault::kIncompatible), const_cast<char*>("not done by the keeper")},
      {static_cast<unsigned>(Fault::kTransport), const_cast<char*>("no keeper")},
      {static_cast<unsigned>(Fault::kMisuse), const_cast<char*>("wrong use")},
      {static_cast<unsigned>(Fault::kInternal), const_cast<char*>("internal failure")},
      {0, nullptr},
  };
  return reasons;
}

const OSSL_DISPATCH kProvider[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, reinterpret_cast<void (*)()>(Teardown)},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, reinterpret_cast<void (*)()>(GettableParams)},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, reinterpret_cast<void (*)()>(GetParams)},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(QueryOperation)},
    {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, reinterpret_cast<void (*)()>(ReasonStrings)},
    {0, nullptr},
};

}  // namespace
}  // namespace detach

extern "C" int OSSL_provider_init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in,
                                  const OSSL_DISPATCH** out, void** provider) {
  return detach::WithoutExceptions(0, [&] {
    auto context = detach::ProviderContext::Create(handle, in);
    if (context == nullptr) return 0;
    *out = detach::kProvider;
    *provider = context.release();
    return 1;
  });
}
