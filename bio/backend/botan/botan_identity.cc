#include "bio/backend/botan/botan_identity.h"

#include <botan/data_src.h>
#include <botan/exceptn.h>
#include <botan/pkcs8.h>
#include <botan/version.h>
#include <botan/x509_key.h>

#include <string>
#include <utility>

#include "bio/backend/botan/botan_signer_key.h"

namespace detach {
namespace {

// TLS in Botan, 3.7 as well, knows certificates with these keys only.
Status CheckKeyType(const std::string& type) {
  if (type == "RSA" || type == "ECDSA") return {};
  return Incompatible("identity: TLS of Botan " + std::string(Botan::short_version_cstr()) +
                      " takes no " + type + " key; give an RSA or ECDSA key");
}

// Botan's loaders take PEM as well, which this library does not.
bool IsDer(std::span<const std::uint8_t> bytes) { return !bytes.empty() && bytes[0] == 0x30; }

Result<std::shared_ptr<Botan::Private_Key>> KeyFromPkcs8(const Bytes& der) try {
  if (!IsDer(der)) return Incompatible("private key: this is no DER");
  Botan::DataSource_Memory source(der.data(), der.size());
  std::shared_ptr<Botan::Private_Key> key = Botan::PKCS8::load_key(source);
  return key;
} catch (const Botan::Exception& error) {
  return Incompatible(std::string("private key: this is no PKCS#8: ") + error.what());
}

Result<std::unique_ptr<Botan::Public_Key>> PublicKeyOf(const Botan::X509_Certificate& leaf) try {
  return std::unique_ptr<Botan::Public_Key>(leaf.subject_public_key());
} catch (const Botan::Exception& error) {
  return Incompatible(std::string("identity: the certificate's public key: ") + error.what());
}

}  // namespace

Result<Botan::X509_Certificate> ParseBotanCertificate(std::span<const std::uint8_t> der) try {
  if (!IsDer(der)) return Incompatible("this is no DER of a certificate");
  Botan::DataSource_Memory source(der.data(), der.size());
  Botan::X509_Certificate certificate(source);
  if (!source.end_of_data()) return Incompatible("bytes behind the DER of a certificate");
  return certificate;
} catch (const Botan::Exception& error) {
  return Incompatible(std::string("this is no DER of a certificate: ") + error.what());
}

Result<BotanIdentity> ParseBotanIdentity(const Identity& identity) {
  if (identity.chain.empty()) return Misuse("identity: the certificate chain is empty");
  BotanIdentity parsed;
  for (const Bytes& der : identity.chain) {
    Result<Botan::X509_Certificate> certificate = ParseBotanCertificate(der);
    if (!certificate.ok()) return certificate.status();
    parsed.chain.push_back(*std::move(certificate));
  }
  Result<std::unique_ptr<Botan::Public_Key>> leaf = PublicKeyOf(parsed.chain[0]);
  if (!leaf.ok()) return leaf.status();
  if (Status status = CheckKeyType((*leaf)->algo_name()); !status.ok()) return status;
  if (const auto* signer = std::get_if<Signer>(&identity.key)) {
    if (!*signer) return Misuse("identity: the Signer is empty");
    parsed.signer = *signer;
    parsed.key = std::make_shared<BotanSignerKey>(*std::move(leaf));
    return parsed;
  }
  const auto* pkcs8 = std::get_if<Pkcs8Key>(&identity.key);
  if (pkcs8 == nullptr) {
    return Incompatible(
        "the Botan backend knows no store URI: give a key that is elsewhere as a Signer");
  }
  Result<std::shared_ptr<Botan::Private_Key>> key = KeyFromPkcs8(pkcs8->der);
  if (!key.ok()) return key.status();
  if (Botan::X509::BER_encode(**key) != Botan::X509::BER_encode(**leaf)) {
    return Incompatible("identity: the private key is not the one of the first certificate");
  }
  parsed.key = *std::move(key);
  return parsed;
}

}  // namespace detach
