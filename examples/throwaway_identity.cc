#include "examples/throwaway_identity.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace detach {
namespace {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeWith<PKCS8_PRIV_KEY_INFO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

constexpr long kDaySeconds = 24 * 60 * 60;

// libcrypto's convention: with a null buffer, `encode` returns the size.
template <typename T>
Bytes Der(int (*encode)(const T*, unsigned char**), const T* object) {
  Bytes der(static_cast<std::size_t>(std::max(encode(object, nullptr), 0)));
  unsigned char* end = der.data();
  encode(object, &end);
  return der;
}

bool Sign(X509* certificate, EVP_PKEY* key, const std::string& dns_name) {
  const Extension name(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + dns_name).c_str()));
  return name && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kDaySeconds) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 && X509_add_ext(certificate, name.get(), -1) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

Result<std::shared_ptr<const Identity>> NewThrowawayIdentity(const std::string& dns_name) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate || !Sign(certificate.get(), key.get(), dns_name)) {
    return Internal("libcrypto cannot make a certificate");
  }
  const Pkcs8 pkcs8(EVP_PKEY2PKCS8(key.get()));
  return std::make_shared<const Identity>(Identity{
      {Der(i2d_X509, certificate.get())}, Pkcs8Key{Der(i2d_PKCS8_PRIV_KEY_INFO, pkcs8.get())}});
}

}  // namespace detach
