// OSSL_OP_STORE: `identity:NAME` and, for all of them, `identity:`; each followed by the keeper
// where it is not the provider's own: `?socket=PATH` or `?descriptor=NUMBER`.

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "provider/keepers.h"
#include "provider/operations.h"
#include "provider/remote_key.h"

namespace detach {
namespace {

OSSL_FUNC_store_open_fn Open;
OSSL_FUNC_store_settable_ctx_params_fn SettableContextParams;
OSSL_FUNC_store_set_ctx_params_fn SetContextParams;
OSSL_FUNC_store_load_fn Load;
OSSL_FUNC_store_eof_fn Eof;
OSSL_FUNC_store_close_fn Close;

using Certificate = std::vector<std::uint8_t>;
using Object = std::variant<Certificate, KeyHandle>;

struct Store {
  ProviderContext* provider;
  KeeperPtr keeper;
  std::vector<Object> objects;
  std::size_t next = 0;
};

Status Append(const KeptIdentity& identity, Store& store) {
  const Result<KeyHandle> key = MakeRemoteKey(store.provider, store.keeper, identity);
  if (!key.ok()) return key.status();
  store.objects.insert(store.objects.end(), identity.chain.begin(), identity.chain.end());
  store.objects.emplace_back(*key);
  return {};
}

bool SignsHandshakes(Purpose purpose) {
  return purpose == Purpose::kTlsServer || purpose == Purpose::kTlsClient;
}

Status Fill(const IdentityUri& uri, Store& store) {
  Result<KeeperPtr> keeper = store.provider->keepers().Find(uri.query);
  if (!keeper.ok()) return keeper.status();
  store.keeper = *std::move(keeper);
  const auto identities = store.keeper->Identities(uri.name);
  if (!identities.ok()) return identities.status();
  store.provider->ShowKeys();
  for (const KeptIdentity& identity : *identities) {
    if (!SignsHandshakes(identity.purpose)) continue;
    if (Status status = Append(identity, store); !status.ok()) return status;
  }
  if (store.objects.empty()) return Incompatible("the keeper has no identity for TLS there");
  return {};
}

void* Open(void* provider, const char* uri) {
  return WithoutExceptions<void*>(nullptr, [&]() -> void* {
    auto store =
        std::make_unique<Store>(Store{static_cast<ProviderContext*>(provider), nullptr, {}});
    if (const Status status = Fill(SplitIdentityUri(uri), *store); !status.ok()) {
      store->provider->Raise(status);
      return nullptr;
    }
    return store.release();
  });
}

const OSSL_PARAM* SettableContextParams(void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_PROPERTIES, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_INPUT_TYPE, nullptr, 0),
      OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, nullptr),
      OSSL_PARAM_END,
  };
  return kParams;
}

// libcrypto calls it without asking whether there is one, where a program names a property or a
// format. It sees to properties, and to the type that is expected, by itself; an identity has no
// format. But what one searches for would not be sorted out by anybody.
int SetContextParams(void* context, const OSSL_PARAM params[]) {
  for (const char* name :
       {OSSL_STORE_PARAM_SUBJECT, OSSL_STORE_PARAM_ISSUER, OSSL_STORE_PARAM_SERIAL,
        OSSL_STORE_PARAM_FINGERPRINT, OSSL_STORE_PARAM_ALIAS}) {
    if (OSSL_PARAM_locate_const(params, name) == nullptr) continue;
    return WithoutExceptions(0, [&] {
      const ProviderContext* provider = static_cast<Store*>(context)->provider;
      provider->Raise(Incompatible("an identity is found by its name in the URI only"));
      return 0;
    });
  }
  return 1;
}

int Give(Certificate& certificate, OSSL_CALLBACK* take, void* argument) {
  int type = OSSL_OBJECT_CERT;
  const OSSL_PARAM object[] = {
      OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, certificate.data(),
                                        certificate.size()),
      OSSL_PARAM_construct_end(),
  };
  return take(object, argument);
}

int Give(const KeyHandle& key, OSSL_CALLBACK* take, void* argument) {
  int type = OSSL_OBJECT_PKEY;
  const KeyHandle* reference = &key;  // what keymgmt.cc's Load gets
  const OSSL_PARAM object[] = {
      OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
      OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, const_cast<char*>(key->type),
                                       0),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &reference, sizeof(void*)),
      OSSL_PARAM_construct_end(),
  };
  return take(object, argument);
}

int Load(void* context, OSSL_CALLBACK* take, void* argument, OSSL_PASSPHRASE_CALLBACK*, void*) {
  auto* store = static_cast<Store*>(context);
  if (store->next == store->objects.size()) return 0;
  Object& object = store->objects[store->next++];
  return std::visit([&](auto& one) { return Give(one, take, argument); }, object);
}

int Eof(void* context) {
  const auto* store = static_cast<Store*>(context);
  return static_cast<int>(store->next == store->objects.size());
}

int Close(void* context) {
  delete static_cast<Store*>(context);
  return 1;
}

const OSSL_DISPATCH kStore[] = {
    {OSSL_FUNC_STORE_OPEN, reinterpret_cast<void (*)()>(Open)},
    {OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, reinterpret_cast<void (*)()>(SettableContextParams)},
    {OSSL_FUNC_STORE_SET_CTX_PARAMS, reinterpret_cast<void (*)()>(SetContextParams)},
    {OSSL_FUNC_STORE_LOAD, reinterpret_cast<void (*)()>(Load)},
    {OSSL_FUNC_STORE_EOF, reinterpret_cast<void (*)()>(Eof)},
    {OSSL_FUNC_STORE_CLOSE, reinterpret_cast<void (*)()>(Close)},
    {0, nullptr},
};

}  // namespace

const OSSL_ALGORITHM kStoreAlgorithms[] = {
    {"identity", "provider=detach", kStore, "identities of a keeper"},
    {nullptr, nullptr, nullptr, nullptr},
};

}  // namespace detach
