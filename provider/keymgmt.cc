// OSSL_OP_KEYMGMT: what libcrypto wants to know of a key. Only a store brings one here.

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string_view>

#include "provider/operations.h"
#include "provider/remote_key.h"

namespace detach {
namespace {

OSSL_FUNC_keymgmt_new_fn New;
OSSL_FUNC_keymgmt_load_fn Load;
OSSL_FUNC_keymgmt_free_fn Free;
OSSL_FUNC_keymgmt_dup_fn Dup;
OSSL_FUNC_keymgmt_has_fn Has;
OSSL_FUNC_keymgmt_match_fn Match;
OSSL_FUNC_keymgmt_get_params_fn GetParams;
OSSL_FUNC_keymgmt_gettable_params_fn GettableParams;
OSSL_FUNC_keymgmt_export_fn Export;
OSSL_FUNC_keymgmt_export_types_fn ExportTypes;
OSSL_FUNC_keymgmt_query_operation_name_fn QueryOperationName;

const RemoteKey& KeyOf(const void* key) { return **static_cast<const KeyHandle*>(key); }

// To compare another provider's key with ours libcrypto makes an empty key for it here, and finds
// that it cannot be imported: so it compares over there. Without this it takes us to be out of
// memory, and leaves that in its queue of errors.
void* New(void*) { return new (std::nothrow) KeyHandle(); }

void* Load(const void* reference, size_t size) {
  if (size != sizeof(void*)) return nullptr;
  const KeyHandle& key = **static_cast<const KeyHandle* const*>(reference);
  return new (std::nothrow) KeyHandle(key);
}

void Free(void* key) { delete static_cast<KeyHandle*>(key); }

void* Dup(const void* key, int) {
  return new (std::nothrow) KeyHandle(*static_cast<const KeyHandle*>(key));
}

// The private half counts: it can be used.
int Has(const void*, int) { return 1; }

bool IsEmpty(const void* key) { return *static_cast<const KeyHandle*>(key) == nullptr; }

int Match(const void* a, const void* b, int selection) {
  const bool whole = (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0;
  // An RSA key has no parameters, so an empty key has the same ones.
  if (IsEmpty(a) || IsEmpty(b)) return static_cast<int>(!whole);
  const EVP_PKEY* one = KeyOf(a).public_half.get();
  const EVP_PKEY* other = KeyOf(b).public_half.get();
  if (whole) return static_cast<int>(EVP_PKEY_eq(one, other) == 1);
  return static_cast<int>(EVP_PKEY_parameters_eq(one, other) == 1);
}

int GetParams(void* key, OSSL_PARAM params[]) {
  return EVP_PKEY_get_params(KeyOf(key).public_half.get(), params);
}

const OSSL_PARAM* GettableParams(void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
      OSSL_PARAM_END,
  };
  return kParams;
}

// The public half may go to other providers, so that they can compare and verify. Who wants the
// private half too is told that this cannot be: with half a key it would be none the wiser.
int Export(void* key, int selection, OSSL_CALLBACK* take, void* argument) {
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
  // Only EC has parameters. Asked to print those of an RSA key libcrypto makes one of nothing, and
  // crashes.
  const bool public_half = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0;
  if (!public_half && std::string_view(KeyOf(key).type) != "EC") return 0;
  return EVP_PKEY_export(KeyOf(key).public_half.get(), selection, take, argument);
}

const OSSL_PARAM* ExportTypes(int selection) {
  const bool private_half = (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
  return private_half ? nullptr : GettableParams(nullptr);
}

const char* QueryOperationName(int operation) {
  return operation == OSSL_OP_SIGNATURE ? kSignatureName : nullptr;
}

const OSSL_DISPATCH kKeymgmt[] = {
    {OSSL_FUNC_KEYMGMT_NEW, reinterpret_cast<void (*)()>(New)},
    {OSSL_FUNC_KEYMGMT_LOAD, reinterpret_cast<void (*)()>(Load)},
    {OSSL_FUNC_KEYMGMT_FREE, reinterpret_cast<void (*)()>(Free)},
    {OSSL_FUNC_KEYMGMT_DUP, reinterpret_cast<void (*)()>(Dup)},
    {OSSL_FUNC_KEYMGMT_HAS, reinterpret_cast<void (*)()>(Has)},
    {OSSL_FUNC_KEYMGMT_MATCH, reinterpret_cast<void (*)()>(Match)},
    {OSSL_FUNC_KEYMGMT_GET_PARAMS, reinterpret_cast<void (*)()>(GetParams)},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, reinterpret_cast<void (*)()>(GettableParams)},
    {OSSL_FUNC_KEYMGMT_EXPORT, reinterpret_cast<void (*)()>(Export)},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, reinterpret_cast<void (*)()>(ExportTypes)},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, reinterpret_cast<void (*)()>(QueryOperationName)},
    {0, nullptr},
};

}  // namespace

// libcrypto's own names, aliases and object identifiers: one name more would be another type.
const OSSL_ALGORITHM kKeymgmtAlgorithms[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=detach", kKeymgmt, "RSA, in a keeper"},
    {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", "provider=detach", kKeymgmt,
     "RSA for PSS only, in a keeper"},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=detach", kKeymgmt, "EC, in a keeper"},
    {"ED25519:1.3.101.112", "provider=detach", kKeymgmt, "Ed25519, in a keeper"},
    {nullptr, nullptr, nullptr, nullptr},
};

}  // namespace detach
