#include "tests/support/test_pki.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>
#include <utility>

namespace detach {
namespace {

X509* Parse(const Bytes& der) {
  const unsigned char* in = der.data();
  return d2i_X509(nullptr, &in, static_cast<long>(der.size()));
}

// Verify returns what libcrypto says of `certificate` under the client CA and its CRLs.
int VerifyClient(const TestPki& pki, const TestCertificate& certificate) {
  X509_STORE* store = X509_STORE_new();
  X509* root = Parse(pki.client_root.certificate());
  X509_STORE_add_cert(store, root);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  for (const Bytes& der : pki.client_crls) {
    const unsigned char* in = der.data();
    X509_CRL* crl = d2i_X509_CRL(nullptr, &in, static_cast<long>(der.size()));
    X509_STORE_add_crl(store, crl);
    X509_CRL_free(crl);
  }
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const Bytes& der : certificate.chain) sk_X509_push(chain, Parse(der));
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  sk_X509_pop_free(chain, X509_free);
  X509_free(root);
  X509_STORE_free(store);
  return error;
}

TEST(TestPkiTest, EachClientCertificateIsWrongInItsOneWay) {
  const TestPki pki;
  EXPECT_EQ(VerifyClient(pki, pki.client), X509_V_OK);
  EXPECT_EQ(VerifyClient(pki, pki.other_client), X509_V_OK);
  EXPECT_EQ(VerifyClient(pki, pki.client_expired), X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(VerifyClient(pki, pki.client_not_yet_valid), X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(VerifyClient(pki, pki.client_revoked), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(VerifyClient(pki, pki.client_server_only), X509_V_ERR_INVALID_PURPOSE);
  EXPECT_EQ(VerifyClient(pki, pki.client_unknown_ca), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST(TestPkiTest, EveryKeyTypeIssuesAndIsIssued) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048, KeyType::kEd25519}) {
    TestPki pki;
    pki.client_root = TestAuthority("Root", type);
    const TestCertificate issued = pki.client_root.Issue(
        {.common_name = "leaf", .usage = ExtendedKeyUsage::kClientAuth, .key = type});
    pki.client_crls = {pki.client_root.Crl()};
    EXPECT_EQ(VerifyClient(pki, issued), X509_V_OK);
  }
}

TEST(TestPkiTest, AnAuthorityThatMayNotSignIsNotBelieved) {
  TestPki pki;
  const TestAuthority leaf =
      pki.client_root.Subordinate({.common_name = "no CA"}, /*may_sign=*/false);
  EXPECT_EQ(VerifyClient(pki, leaf.Issue({"below", ExtendedKeyUsage::kClientAuth})),
            X509_V_ERR_INVALID_CA);
}

TEST(TestPkiTest, ACrlOutOfItsTimeIsRefused) {
  const std::chrono::hours hour(1);
  TestPki pki;
  pki.client_crls[1] = pki.client_issuer.Crl({.this_update = -2 * hour, .next_update = -hour});
  EXPECT_EQ(VerifyClient(pki, pki.client), X509_V_ERR_CRL_HAS_EXPIRED);
  pki.client_crls[1] = pki.client_issuer.Crl({.this_update = hour, .next_update = 2 * hour});
  EXPECT_EQ(VerifyClient(pki, pki.client), X509_V_ERR_CRL_NOT_YET_VALID);
}

}  // namespace
}  // namespace detach
