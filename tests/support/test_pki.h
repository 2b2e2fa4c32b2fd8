// Certificates for tests, made in memory when the test runs: no key lies in the tree, none expires.
#ifndef DETACH_TESTS_SUPPORT_TEST_PKI_H_
#define DETACH_TESTS_SUPPORT_TEST_PKI_H_

#include <openssl/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bio/backend/tls_config.h"

namespace detach {

enum class KeyType { kEcP256, kEcP384, kEcP521, kRsa2048, kRsa3072, kRsaPssSha384, kEd25519 };
enum class ExtendedKeyUsage { kNone, kServerAuth, kClientAuth };

// CertificateSpec says what a certificate is to hold. Times are counted from now.
struct CertificateSpec {
  std::string common_name;
  ExtendedKeyUsage usage = ExtendedKeyUsage::kNone;
  std::vector<std::string> alt_names = {};  // "DNS:a.example", "IP:127.0.0.1", "URI:…", "email:…"
  KeyType key = KeyType::kEcP256;
  std::chrono::seconds not_before = std::chrono::hours(-1);
  std::chrono::seconds not_after = std::chrono::hours(24);
  std::string crl_url = {};           // where it says that its CRL is published
  std::string name_constraints = {};  // as OpenSSL writes them: "excluded;URI:evil.example"
  std::string key_usage = "critical,digitalSignature";  // of a leaf; empty: says nothing of it
};

// TestCertificate is an issued certificate with its chain and its private key.
struct TestCertificate {
  std::vector<Bytes> chain;  // DER, the leaf first, without the root
  Bytes key;                 // PKCS#8 DER

  const Bytes& leaf() const { return chain.front(); }
  std::shared_ptr<const Identity> identity() const;
  std::string ChainPem() const;
  std::string KeyPem() const;
};

struct CrlTimes {
  std::chrono::seconds this_update = std::chrono::hours(-1);
  std::chrono::seconds next_update = std::chrono::hours(24);
};

// TestAuthority is a CA: a root, or one below another. Copies share the key and what was revoked.
// A failure of libcrypto aborts the process: a test cannot go on without its certificates.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& common_name, KeyType key = KeyType::kEcP256)
      : TestAuthority(CertificateSpec{.common_name = common_name, .key = key}) {}
  explicit TestAuthority(const CertificateSpec& spec);

  // Subordinate returns a CA whose certificate this one issues. With `may_sign` false its
  // certificate says CA:FALSE, and nothing that it issues may be believed.
  TestAuthority Subordinate(const CertificateSpec& spec, bool may_sign = true) const;

  TestCertificate Issue(const CertificateSpec& spec) const;

  // Revoke puts `certificate` (one that this CA issued) on every CRL made from now on.
  void Revoke(const Bytes& certificate);

  Bytes Crl(const CrlTimes& times = {}) const;

  const Bytes& certificate() const { return certificate_; }  // DER
  std::string KeyPem() const;

 private:
  TestAuthority() = default;

  std::shared_ptr<EVP_PKEY> key_;
  Bytes certificate_;
  std::vector<Bytes> chain_;  // what a certificate from here sends behind its own; no root
  std::shared_ptr<std::vector<Bytes>> revoked_;
};

// SpkiSha256 returns the SHA-256 of `certificate`'s SubjectPublicKeyInfo (32 bytes).
Bytes SpkiSha256(const Bytes& certificate);

// SubjectName returns `certificate`'s subject as a DER distinguished name.
Bytes SubjectName(const Bytes& certificate);

std::string CertificatePem(const Bytes& certificate);
std::string CrlPem(const Bytes& crl);

// TestPki is the usual cast: a CA for servers, a CA for clients (with an intermediate that issues
// the clients), and certificates that are each wrong in one way.
struct TestPki {
  TestPki();

  // WriteFiles writes everything as PEM into `directory`: NAME.pem (chain, then key) for each
  // certificate, NAME.crt and NAME.key apart, and server-ca.pem, client-ca.pem, client.crl. Of
  // the CRLs in client-expired.crl the issuer's has expired; client-root-only.crl has none of it.
  void WriteFiles(const std::filesystem::path& directory) const;

  TestAuthority server_root{"Test server CA"};
  TestAuthority client_root{"Test client CA"};
  TestAuthority client_issuer;

  TestCertificate server;  // localhost, server.example, rp.example, *.corp.example, loopback
  TestCertificate server_expired;
  TestCertificate client;        // alice: URI:spiffe://corp.example/alice and an e-mail address
  TestCertificate other_client;  // bob
  TestCertificate client_expired;
  TestCertificate client_not_yet_valid;
  TestCertificate client_revoked;
  TestCertificate client_server_only;  // extended key usage serverAuth
  TestCertificate client_unknown_ca;   // from a CA that nobody knows

  // Current CRLs of both client CAs.
  std::vector<Bytes> client_crls;

 private:
  std::vector<std::pair<std::string, const TestCertificate*>> Named() const;
};

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_TEST_PKI_H_
