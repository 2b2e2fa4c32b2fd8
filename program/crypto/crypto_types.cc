#include "program/crypto/crypto_types.h"

#include <openssl/err.h>

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <typename Ptr, typename Decode>
Ptr ParseWhole(std::span<const std::uint8_t> der, Decode decode) {
  const unsigned char* in = der.data();
  Ptr object(decode(nullptr, &in, static_cast<long>(der.size())));
  const bool whole = object != nullptr && in == der.data() + der.size();
  if (!whole) {
    ERR_clear_error();
    return nullptr;
  }
  return object;
}

template <typename T, typename Encode>
Bytes Der(const T* object, Encode encode) {
  unsigned char* out = nullptr;
  const int size = encode(object, &out);
  if (size <= 0) return {};
  Bytes der(out, out + size);
  OPENSSL_clear_free(out, static_cast<std::size_t>(size));
  return der;
}

}  // namespace

BioPtr MemoryBio(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

X509Ptr ParseCertificate(std::span<const std::uint8_t> der) {
  return ParseWhole<X509Ptr>(der, d2i_X509);
}
CrlPtr ParseCrl(std::span<const std::uint8_t> der) { return ParseWhole<CrlPtr>(der, d2i_X509_CRL); }
NamePtr ParseName(std::span<const std::uint8_t> der) {
  return ParseWhole<NamePtr>(der, d2i_X509_NAME);
}

std::vector<Bytes> SplitDer(std::span<const std::uint8_t> der) {
  constexpr int kErrorOrEndless = 0x81;
  std::vector<Bytes> objects;
  const unsigned char* at = der.data();
  const unsigned char* const end = at + der.size();
  while (at != end) {
    const unsigned char* const begin = at;
    long size = 0;
    int tag = 0;
    int tag_class = 0;
    ERR_set_mark();
    const int header = ASN1_get_object(&at, &size, &tag, &tag_class, end - at);
    ERR_pop_to_mark();
    if ((header & kErrorOrEndless) != 0) return {};
    at += size;
    objects.emplace_back(begin, at);
  }
  return objects;
}

Bytes CertificateDer(const X509* certificate) { return Der(certificate, i2d_X509); }

Bytes PublicKeyDer(const X509* certificate) {
  return Der(X509_get_X509_PUBKEY(certificate), i2d_X509_PUBKEY);
}

Bytes PrivateKeyDer(const EVP_PKEY* key) {
  PKCS8_PRIV_KEY_INFO* pkcs8 = EVP_PKEY2PKCS8(key);
  if (pkcs8 == nullptr) return {};
  Bytes der = Der(pkcs8, i2d_PKCS8_PRIV_KEY_INFO);
  PKCS8_PRIV_KEY_INFO_free(pkcs8);
  return der;
}

std::string NameText(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string TakeCryptoError() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason != nullptr ? " (" + std::string(reason) + ")" : "";
}

}  // namespace detach
