#include "tests/support/test_pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>

namespace detach {
namespace {

using PkeyPtr = std::shared_ptr<EVP_PKEY>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using CrlPtr = std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)>;

void Must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "test PKI: %s failed\n", what);
  std::abort();
}

// Der runs an i2d_… function.
template <typename T, typename Encode>
Bytes Der(const T* object, Encode encode) {
  unsigned char* out = nullptr;
  const int size = encode(object, &out);
  Must(size > 0, "DER encoding");
  Bytes der(out, out + size);
  OPENSSL_free(out);
  return der;
}

X509Ptr ParseCertificate(const Bytes& der) {
  const unsigned char* in = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &in, static_cast<long>(der.size())), X509_free);
  Must(certificate != nullptr, "parsing a certificate");
  return certificate;
}

std::string Pem(const char* label, const Bytes& der) {
  BIO* memory = BIO_new(BIO_s_mem());
  Must(PEM_write_bio(memory, label, "", der.data(), static_cast<long>(der.size())) > 0, "PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(memory);
  return pem;
}

// One for signatures with SHA-384 only.
EVP_PKEY* NewRsaPssKey() {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr);
  EVP_PKEY* key = nullptr;
  Must(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(context, "SHA384", nullptr) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(context, "SHA384") == 1 &&
           EVP_PKEY_generate(context, &key) == 1,
       "key generation");
  EVP_PKEY_CTX_free(context);
  return key;
}

PkeyPtr NewKey(KeyType type) {
  EVP_PKEY* key = nullptr;
  switch (type) {
    case KeyType::kEcP256:
      key = EVP_EC_gen("P-256");
      break;
    case KeyType::kEcP384:
      key = EVP_EC_gen("P-384");
      break;
    case KeyType::kEcP521:
      key = EVP_EC_gen("P-521");
      break;
    case KeyType::kRsa2048:
      key = EVP_RSA_gen(2048);
      break;
    case KeyType::kRsa3072:
      key = EVP_RSA_gen(3072);
      break;
    case KeyType::kRsaPssSha384:
      key = NewRsaPssKey();
      break;
    case KeyType::kEd25519:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
  }
  Must(key != nullptr, "key generation");
  return {key, EVP_PKEY_free};
}

Bytes Pkcs8(EVP_PKEY* key) {
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key);
  Bytes der = Der(info, i2d_PKCS8_PRIV_KEY_INFO);
  PKCS8_PRIV_KEY_INFO_free(info);
  return der;
}

// Ed25519 signs without a digest.
const EVP_MD* DigestFor(EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "ED25519") ? nullptr : EVP_sha256();
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Must(extension != nullptr, value.c_str());
  Must(X509_add_ext(certificate, extension, -1) == 1, "adding an extension");
  X509_EXTENSION_free(extension);
}

void AddUsage(X509* certificate, ExtendedKeyUsage usage) {
  if (usage == ExtendedKeyUsage::kNone) return;
  const char* name = usage == ExtendedKeyUsage::kServerAuth ? "serverAuth" : "clientAuth";
  AddExtension(certificate, nullptr, NID_ext_key_usage, name);
}

void AddAltNames(X509* certificate, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  if (!list.empty()) AddExtension(certificate, nullptr, NID_subject_alt_name, list);
}

void SetSerial(X509* certificate) {
  unsigned char bytes[16];
  Must(RAND_bytes(bytes, sizeof bytes) == 1, "a random serial number");
  bytes[0] = static_cast<unsigned char>(0x40 | (bytes[0] & 0x3f));  // always 16 bytes long
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  Must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr,
       "a serial number");
  BN_free(number);
}

void SetSubject(X509* certificate, const std::string& common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  X509_NAME* name = X509_get_subject_name(certificate);
  Must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "a subject");
}

// Certify makes the certificate of `key`. Without an issuer it is self-signed.
Bytes Certify(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
              bool may_sign) {
  X509Ptr certificate(X509_new(), X509_free);
  Must(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "X509_new");
  SetSerial(certificate.get());
  SetSubject(certificate.get(), spec.common_name);
  if (issuer == nullptr) issuer = certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), spec.not_before.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), spec.not_after.count());
  X509_set_pubkey(certificate.get(), key);
  AddExtension(certificate.get(), issuer, NID_subject_key_identifier, "hash");
  AddExtension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  AddExtension(certificate.get(), issuer, NID_basic_constraints,
               may_sign ? "critical,CA:TRUE" : "critical,CA:FALSE");
  const std::string key_usage = may_sign ? "critical,keyCertSign,cRLSign" : spec.key_usage;
  if (!key_usage.empty()) AddExtension(certificate.get(), issuer, NID_key_usage, key_usage);
  AddUsage(certificate.get(), spec.usage);
  AddAltNames(certificate.get(), spec.alt_names);
  if (!spec.crl_url.empty()) {
    AddExtension(certificate.get(), issuer, NID_crl_distribution_points, "URI:" + spec.crl_url);
  }
  if (!spec.name_constraints.empty()) {
    AddExtension(certificate.get(), issuer, NID_name_constraints, spec.name_constraints);
  }
  Must(X509_sign(certificate.get(), issuer_key, DigestFor(issuer_key)) > 0, "signing");
  return Der(certificate.get(), i2d_X509);
}

void AddRevoked(X509_CRL* crl, const Bytes& certificate, const ASN1_TIME* when) {
  const X509Ptr revoked = ParseCertificate(certificate);
  X509_REVOKED* entry = X509_REVOKED_new();
  Must(entry && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked.get())) == 1 &&
           X509_REVOKED_set_revocationDate(entry, const_cast<ASN1_TIME*>(when)) == 1 &&
           X509_CRL_add0_revoked(crl, entry) == 1,
       "a CRL entry");
}

void SetTimes(X509_CRL* crl, const CrlTimes& times) {
  ASN1_TIME* time = ASN1_TIME_new();
  Must(X509_gmtime_adj(time, times.this_update.count()) && X509_CRL_set1_lastUpdate(crl, time) == 1,
       "thisUpdate");
  Must(X509_gmtime_adj(time, times.next_update.count()) && X509_CRL_set1_nextUpdate(crl, time) == 1,
       "nextUpdate");
  ASN1_TIME_free(time);
}

void WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  Must(file.good(), path.c_str());
}

// WriteKey leaves the file readable for its owner only, as every reader of keys asks for.
void WriteKey(const std::filesystem::path& path, const std::string& text) {
  using std::filesystem::perms;
  WriteFile(path, "");
  std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
  WriteFile(path, text);
}

}  // namespace

std::shared_ptr<const Identity> TestCertificate::identity() const {
  return std::make_shared<const Identity>(Identity{chain, Pkcs8Key{key}});
}

std::string TestCertificate::ChainPem() const {
  std::string pem;
  for (const Bytes& certificate : chain) pem += CertificatePem(certificate);
  return pem;
}

std::string TestCertificate::KeyPem() const { return Pem(PEM_STRING_PKCS8INF, key); }

TestAuthority::TestAuthority(const CertificateSpec& spec)
    : key_(NewKey(spec.key)),
      certificate_(Certify(spec, key_.get(), nullptr, key_.get(), true)),
      revoked_(std::make_shared<std::vector<Bytes>>()) {}

std::string TestAuthority::KeyPem() const { return Pem(PEM_STRING_PKCS8INF, Pkcs8(key_.get())); }

TestAuthority TestAuthority::Subordinate(const CertificateSpec& spec, bool may_sign) const {
  const X509Ptr issuer = ParseCertificate(certificate_);
  TestAuthority authority;
  authority.key_ = NewKey(spec.key);
  authority.certificate_ = Certify(spec, authority.key_.get(), issuer.get(), key_.get(), may_sign);
  authority.chain_ = chain_;
  authority.chain_.insert(authority.chain_.begin(), authority.certificate_);
  authority.revoked_ = std::make_shared<std::vector<Bytes>>();
  return authority;
}

TestCertificate TestAuthority::Issue(const CertificateSpec& spec) const {
  const X509Ptr issuer = ParseCertificate(certificate_);
  const PkeyPtr key = NewKey(spec.key);
  TestCertificate issued;
  issued.chain = chain_;
  issued.chain.insert(issued.chain.begin(),
                      Certify(spec, key.get(), issuer.get(), key_.get(), false));
  issued.key = Pkcs8(key.get());
  return issued;
}

void TestAuthority::Revoke(const Bytes& certificate) { revoked_->push_back(certificate); }

Bytes TestAuthority::Crl(const CrlTimes& times) const {
  const X509Ptr issuer = ParseCertificate(certificate_);
  const CrlPtr crl(X509_CRL_new(), X509_CRL_free);
  Must(crl && X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1, "X509_CRL_new");
  Must(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.get())) == 1, "CRL issuer");
  SetTimes(crl.get(), times);
  for (const Bytes& certificate : *revoked_) {
    AddRevoked(crl.get(), certificate, X509_CRL_get0_lastUpdate(crl.get()));
  }
  Must(X509_CRL_sort(crl.get()) == 1, "sorting a CRL");
  Must(X509_CRL_sign(crl.get(), key_.get(), DigestFor(key_.get())) > 0, "signing a CRL");
  return Der(crl.get(), i2d_X509_CRL);
}

Bytes SpkiSha256(const Bytes& certificate) {
  const X509Ptr parsed = ParseCertificate(certificate);
  const Bytes spki = Der(X509_get_X509_PUBKEY(parsed.get()), i2d_X509_PUBKEY);
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(spki.data(), spki.size(), digest.data());
  return digest;
}

Bytes SubjectName(const Bytes& certificate) {
  const X509Ptr parsed = ParseCertificate(certificate);
  return Der(X509_get_subject_name(parsed.get()), i2d_X509_NAME);
}

std::string CertificatePem(const Bytes& certificate) { return Pem(PEM_STRING_X509, certificate); }

std::string CrlPem(const Bytes& crl) { return Pem(PEM_STRING_X509_CRL, crl); }

TestPki::TestPki() : client_issuer(client_root.Subordinate({.common_name = "Test client issuer"})) {
  constexpr ExtendedKeyUsage kServer = ExtendedKeyUsage::kServerAuth;
  constexpr ExtendedKeyUsage kClient = ExtendedKeyUsage::kClientAuth;
  const std::vector<std::string> server_names = {"DNS:localhost",  "DNS:server.example",
                                                 "DNS:rp.example", "DNS:*.corp.example",
                                                 "IP:127.0.0.1",   "IP:::1"};
  const std::chrono::hours hour(1);

  server = server_root.Issue({"server.example", kServer, server_names});
  server_expired = server_root.Issue({.common_name = "server.example",
                                      .usage = kServer,
                                      .alt_names = server_names,
                                      .not_before = -2 * hour,
                                      .not_after = -hour});
  client = client_issuer.Issue(
      {"alice", kClient, {"URI:spiffe://corp.example/alice", "email:alice@corp.example"}});
  other_client = client_issuer.Issue(
      {"bob", kClient, {"URI:spiffe://corp.example/bob", "email:bob@corp.example"}});
  client_expired = client_issuer.Issue(
      {.common_name = "expired", .usage = kClient, .not_before = -2 * hour, .not_after = -hour});
  client_not_yet_valid =
      client_issuer.Issue({.common_name = "not yet valid", .usage = kClient, .not_before = hour});
  client_revoked = client_issuer.Issue({"revoked", kClient});
  client_server_only = client_issuer.Issue({"server only", kServer});
  client_unknown_ca = TestAuthority("Unknown CA").Issue({"stranger", kClient});

  client_issuer.Revoke(client_revoked.leaf());
  client_crls = {client_root.Crl(), client_issuer.Crl()};
}

std::vector<std::pair<std::string, const TestCertificate*>> TestPki::Named() const {
  return {{"server", &server},
          {"server-expired", &server_expired},
          {"client", &client},
          {"other-client", &other_client},
          {"client-expired", &client_expired},
          {"client-not-yet-valid", &client_not_yet_valid},
          {"client-revoked", &client_revoked},
          {"client-server-only", &client_server_only},
          {"client-unknown-ca", &client_unknown_ca}};
}

void TestPki::WriteFiles(const std::filesystem::path& directory) const {
  for (const auto& [name, certificate] : Named()) {
    WriteFile(directory / (name + ".crt"), certificate->ChainPem());
    WriteKey(directory / (name + ".key"), certificate->KeyPem());
    WriteKey(directory / (name + ".pem"), certificate->ChainPem() + certificate->KeyPem());
  }
  WriteFile(directory / "server-ca.pem", CertificatePem(server_root.certificate()));
  WriteFile(directory / "client-ca.pem", CertificatePem(client_root.certificate()));
  std::string crls;
  for (const Bytes& crl : client_crls) crls += CrlPem(crl);
  WriteFile(directory / "client.crl", crls);
  const CrlTimes past = {.this_update = std::chrono::hours(-2),
                         .next_update = std::chrono::hours(-1)};
  WriteFile(directory / "client-expired.crl",
            CrlPem(client_root.Crl()) + CrlPem(client_issuer.Crl(past)));
  WriteFile(directory / "client-root-only.crl", CrlPem(client_root.Crl()));
}

}  // namespace detach
