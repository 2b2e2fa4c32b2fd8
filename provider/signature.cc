// OSSL_OP_SIGNATURE: signing a message, by asking the keeper.

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "program/crypto/crypto_types.h"
#include "provider/keeper/certificate_verify.h"
#include "provider/keeper/signature_scheme.h"
#include "provider/operations.h"
#include "provider/remote_key.h"

namespace detach {
namespace {

OSSL_FUNC_signature_newctx_fn NewContext;
OSSL_FUNC_signature_freectx_fn FreeContext;
OSSL_FUNC_signature_dupctx_fn DupContext;
OSSL_FUNC_signature_digest_sign_init_fn DigestSignInit;
OSSL_FUNC_signature_digest_sign_update_fn DigestSignUpdate;
OSSL_FUNC_signature_digest_sign_final_fn DigestSignFinal;
OSSL_FUNC_signature_digest_sign_fn DigestSign;
OSSL_FUNC_signature_get_ctx_params_fn GetContextParams;
OSSL_FUNC_signature_gettable_ctx_params_fn GettableContextParams;
OSSL_FUNC_signature_set_ctx_params_fn SetContextParams;
OSSL_FUNC_signature_settable_ctx_params_fn SettableContextParams;

using MdPtr = std::unique_ptr<EVP_MD, FreeWith<EVP_MD_free>>;

// No CertificateVerify is longer.
constexpr std::size_t kHead = 256;

struct Signing {
  const ProviderContext* provider;
  KeyHandle key;
  RsaPadding padding = RsaPadding::kNone;
  MdPtr md;  // null: the key signs the message itself (Ed25519)
  MdCtxPtr hash;
  std::vector<std::uint8_t> head;  // the message; where it is longer than kHead, its beginning

  bool of(std::string_view type) const { return key->type == type; }
};

Signing& SigningOf(void* context) { return *static_cast<Signing*>(context); }

int Refuse(const Signing& signing, const Status& status) {
  signing.provider->Raise(status);
  return 0;
}

void* NewContext(void* provider, const char* properties) {
  return WithoutExceptions<void*>(nullptr, [&]() -> void* {
    auto signing =
        std::make_unique<Signing>(Signing{static_cast<const ProviderContext*>(provider), {}});
    // Here, for libcrypto gets as far with each operation, also with those that there are not.
    signing->provider->LeaveOrdinaryKeys(properties);
    return signing.release();
  });
}

void FreeContext(void* context) { delete static_cast<Signing*>(context); }

void* DupContext(void* context) {
  return WithoutExceptions<void*>(nullptr, [&]() -> void* {
    const Signing& signing = SigningOf(context);
    auto copy = std::make_unique<Signing>(Signing{signing.provider, signing.key, signing.padding});
    copy->head = signing.head;
    if (signing.md && EVP_MD_up_ref(signing.md.get()) == 1) copy->md.reset(signing.md.get());
    if (!signing.hash) return copy.release();
    copy->hash.reset(EVP_MD_CTX_new());
    const bool whole =
        copy->md && copy->hash && EVP_MD_CTX_copy_ex(copy->hash.get(), signing.hash.get()) == 1;
    return whole ? copy.release() : nullptr;
  });
}

Status SetDigest(Signing& signing, const char* name) {
  signing.md.reset();
  signing.hash.reset();
  const std::string wanted = name != nullptr ? name : "";
  if (signing.of("ED25519")) {
    return wanted.empty() ? Status()
                          : Misuse("an Ed25519 key signs without a digest of one's choice");
  }
  signing.md.reset(EVP_MD_fetch(signing.provider->private_library(),
                                wanted.empty() ? "SHA2-256" : wanted.c_str(), nullptr));
  signing.hash.reset(EVP_MD_CTX_new());
  if (!signing.md || !signing.hash ||
      EVP_DigestInit_ex2(signing.hash.get(), signing.md.get(), nullptr) != 1) {
    return Incompatible("the digest \"" + wanted + "\" is not there");
  }
  return {};
}

// A key of RSA-PSS may be for one digest only.
bool MaySignWith(const RemoteKey& key, const EVP_MD* md) {
  constexpr int kMandatory = 2;
  std::array<char, 80> name = {};
  return EVP_PKEY_get_default_digest_name(key.public_half.get(), name.data(), name.size()) !=
             kMandatory ||
         EVP_MD_is_a(md, name.data()) == 1;
}

// By which the key signs with the digest and the padding as they are set.
Result<const SignatureScheme*> SchemeOf(const Signing& signing) {
  const char* digest = signing.md ? EVP_MD_get0_name(signing.md.get()) : "";
  const SignatureScheme* scheme = FindSignatureScheme(signing.key->type, digest, signing.padding);
  if (scheme == nullptr || (signing.md && !MaySignWith(*signing.key, signing.md.get()))) {
    return Incompatible(std::string("no signature scheme of TLS has this ") + signing.key->type +
                        " key with " + digest);
  }
  return scheme;
}

Status Ed25519IsForTls13() {
  return Incompatible("an Ed25519 key in a keeper signs TLS 1.3 handshakes, and nothing else");
}

int DigestSignInit(void* context, const char* digest, void* key, const OSSL_PARAM params[]) {
  return WithoutExceptions(0, [&] {
    Signing& signing = SigningOf(context);
    if (key != nullptr) signing.key = *static_cast<KeyHandle*>(key);
    if (!signing.key) return Refuse(signing, Misuse("there is no key to sign with"));
    // As for libcrypto's own keys, until somebody says otherwise.
    signing.padding = signing.of("RSA")       ? RsaPadding::kPkcs1
                      : signing.of("RSA-PSS") ? RsaPadding::kPss
                                              : RsaPadding::kNone;
    signing.head.clear();
    if (const Status status = SetDigest(signing, digest); !status.ok()) {
      return Refuse(signing, status);
    }
    // libssl begins to sign to see which schemes it may choose from.
    if (const auto scheme = SchemeOf(signing); !scheme.ok()) {
      return Refuse(signing, scheme.status());
    }
    return SetContextParams(context, params);
  });
}

int DigestSignUpdate(void* context, const unsigned char* bytes, size_t size) {
  return WithoutExceptions(0, [&] {
    Signing& signing = SigningOf(context);
    const std::size_t room = kHead - signing.head.size();
    signing.head.insert(signing.head.end(), bytes, bytes + std::min(size, room));
    if (signing.hash) return EVP_DigestUpdate(signing.hash.get(), bytes, size);
    return size <= room ? 1 : Refuse(signing, Ed25519IsForTls13());
  });
}

// The keeper signs for TLS 1.3 what it sees; for TLS 1.2, where that is switched on, a digest.
Result<Frame> RequestFor(Signing& signing) {
  const Result<const SignatureScheme*> scheme = SchemeOf(signing);
  if (!scheme.ok()) return scheme.status();
  Frame request = {.argument = (*scheme)->code, .name = signing.key->name, .key = signing.key->id};
  if (CertificateVerifyRole(signing.head)) {
    request.type = FrameType::kSignCertificateVerify;
    request.payload = signing.head;
    return request;
  }
  if (!signing.md) return Ed25519IsForTls13();
  request.type = FrameType::kSignTls12Digest;
  request.payload.resize(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (EVP_DigestFinal_ex(signing.hash.get(), request.payload.data(), &size) != 1) {
    return Internal("the digest cannot be computed");
  }
  request.payload.resize(size);
  return request;
}

Result<std::vector<std::uint8_t>> Ask(Signing& signing) {
  const Result<Frame> request = RequestFor(signing);
  if (!request.ok()) return request.status();
  return signing.key->keeper->Sign(*request);
}

int DigestSignFinal(void* context, unsigned char* signature, size_t* size, size_t room) {
  return WithoutExceptions(0, [&] {
    Signing& signing = SigningOf(context);
    if (signature == nullptr) {
      *size = static_cast<std::size_t>(EVP_PKEY_get_size(signing.key->public_half.get()));
      return 1;
    }
    const Result<std::vector<std::uint8_t>> signed_bytes = Ask(signing);
    if (!signed_bytes.ok()) return Refuse(signing, signed_bytes.status());
    if (signed_bytes->size() > room) return Refuse(signing, Misuse("too little room to sign"));
    std::memcpy(signature, signed_bytes->data(), signed_bytes->size());
    *size = signed_bytes->size();
    return 1;
  });
}

int DigestSign(void* context, unsigned char* signature, size_t* size, size_t room,
               const unsigned char* message, size_t message_size) {
  if (signature != nullptr && DigestSignUpdate(context, message, message_size) != 1) return 0;
  return DigestSignFinal(context, signature, size, room);
}

// Some say it by number, some by name.
bool Says(const OSSL_PARAM* param, int number, std::string_view name) {
  int value = 0;
  if (param->data_type == OSSL_PARAM_UTF8_STRING) {
    return name == static_cast<const char*>(param->data);
  }
  return OSSL_PARAM_get_int(param, &value) == 1 && value == number;
}

bool SaysDigest(const Signing& signing, const OSSL_PARAM* param) {
  return param->data_type == OSSL_PARAM_UTF8_STRING && signing.md &&
         EVP_MD_is_a(signing.md.get(), static_cast<const char*>(param->data)) == 1;
}

bool SaysDigestSize(const Signing& signing, const OSSL_PARAM* param) {
  if (Says(param, RSA_PSS_SALTLEN_DIGEST, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST)) return true;
  return signing.md && Says(param, EVP_MD_get_size(signing.md.get()), "");
}

Status SetPadding(Signing& signing, const OSSL_PARAM* mode) {
  if (Says(mode, RSA_PKCS1_PSS_PADDING, OSSL_PKEY_RSA_PAD_MODE_PSS)) {
    signing.padding = RsaPadding::kPss;
    return {};
  }
  if (Says(mode, RSA_PKCS1_PADDING, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) && signing.of("RSA")) {
    signing.padding = RsaPadding::kPkcs1;
    return {};
  }
  return Incompatible("a key in a keeper signs with the paddings of TLS only");
}

Status SetParams(Signing& signing, const OSSL_PARAM params[]) {
  const OSSL_PARAM* mode = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  if (mode != nullptr && signing.padding != RsaPadding::kNone) {
    if (Status status = SetPadding(signing, mode); !status.ok()) return status;
  }
  const OSSL_PARAM* salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
  if (salt != nullptr && !SaysDigestSize(signing, salt)) {
    return Incompatible("a key in a keeper signs with a salt as long as the digest");
  }
  for (const char* name : {OSSL_SIGNATURE_PARAM_DIGEST, OSSL_SIGNATURE_PARAM_MGF1_DIGEST}) {
    const OSSL_PARAM* digest = OSSL_PARAM_locate_const(params, name);
    if (digest != nullptr && !SaysDigest(signing, digest)) {
      return Incompatible("a key in a keeper signs with one digest for all");
    }
  }
  return {};
}

int SetContextParams(void* context, const OSSL_PARAM params[]) {
  return WithoutExceptions(0, [&] {
    Signing& signing = SigningOf(context);
    if (params == nullptr) return 1;
    const Status status = SetParams(signing, params);
    return status.ok() ? 1 : Refuse(signing, status);
  });
}

const OSSL_PARAM* SettableContextParams(void*, void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
      OSSL_PARAM_END,
  };
  return kParams;
}

// Whoever writes a certificate, or a request for one, asks how he is to name the signature in it.
int GetContextParams(void* context, OSSL_PARAM params[]) {
  return WithoutExceptions(0, [&] {
    if (OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID) == nullptr) return 1;
    return Refuse(SigningOf(context),
                  Incompatible("a key in a keeper signs handshakes of TLS, and no certificate, "
                               "request or message"));
  });
}

const OSSL_PARAM* GettableContextParams(void*, void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0),
      OSSL_PARAM_END,
  };
  return kParams;
}

const OSSL_DISPATCH kSignature[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, reinterpret_cast<void (*)()>(NewContext)},
    {OSSL_FUNC_SIGNATURE_FREECTX, reinterpret_cast<void (*)()>(FreeContext)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, reinterpret_cast<void (*)()>(DupContext)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, reinterpret_cast<void (*)()>(DigestSignInit)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, reinterpret_cast<void (*)()>(DigestSignUpdate)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, reinterpret_cast<void (*)()>(DigestSignFinal)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, reinterpret_cast<void (*)()>(DigestSign)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, reinterpret_cast<void (*)()>(GetContextParams)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, reinterpret_cast<void (*)()>(GettableContextParams)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, reinterpret_cast<void (*)()>(SetContextParams)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, reinterpret_cast<void (*)()>(SettableContextParams)},
    {0, nullptr},
};

}  // namespace

const OSSL_ALGORITHM kSignatureAlgorithms[] = {
    {kSignatureName, "provider=detach", kSignature, "signatures by a keeper"},
    {nullptr, nullptr, nullptr, nullptr},
};

}  // namespace detach
