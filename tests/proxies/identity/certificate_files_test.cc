#include "proxies/identity/certificate_files.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {
namespace {

const TestPki& Pki() {
  static const TestPki pki;
  return pki;
}

class CertificateFilesTest : public ::testing::Test {
 protected:
  std::string CertificatesError(const std::string& contents) {
    const auto loaded = LoadCertificates(directory_.Write("file", contents));
    return loaded.ok() ? "" : loaded.status().message();
  }
  std::string CrlsError(const std::string& contents) {
    const auto loaded = LoadCrls(directory_.Write("file", contents));
    return loaded.ok() ? "" : loaded.status().message();
  }

  TemporaryDirectory directory_;
};

std::string Text(const Bytes& der) { return {der.begin(), der.end()}; }

TEST_F(CertificateFilesTest, KeepsTheOrderOfABundleAndSkipsTextBetween) {
  const Bytes& a = Pki().server_root.certificate();
  const Bytes& b = Pki().client_root.certificate();
  const std::string bundle = "first\n" + CertificatePem(a) + "# second\n" + CertificatePem(b);
  const auto loaded = LoadCertificates(directory_.Write("ca.pem", bundle));
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(*loaded, (std::vector<Bytes>{a, b}));
}

TEST_F(CertificateFilesTest, RefusesABundleThatIsNotOnlyWholeCertificates) {
  const std::string good = CertificatePem(Pki().server_root.certificate());
  const std::string cut = good.substr(0, good.size() / 2);
  Bytes damaged = Pki().server_root.certificate();
  damaged.resize(damaged.size() - 1);
  EXPECT_NE(CertificatesError("").find("holds no certificate"), std::string::npos);
  EXPECT_NE(CertificatesError("hello").find("holds no certificate"), std::string::npos);
  EXPECT_NE(CertificatesError(good + cut).find("PEM block 2"), std::string::npos);
  EXPECT_NE(CertificatesError(CertificatePem(damaged)).find("damaged"), std::string::npos);
  EXPECT_NE(CertificatesError(good + Pki().server.KeyPem()).find("holds a PRIVATE KEY"),
            std::string::npos);
}

TEST_F(CertificateFilesTest, ReadsCrlsInPemAndOneInDer) {
  const std::vector<Bytes>& crls = Pki().client_crls;
  const auto pem = LoadCrls(directory_.Write("pem", CrlPem(crls[0]) + CrlPem(crls[1])));
  ASSERT_TRUE(pem.ok()) << pem.status().message();
  EXPECT_EQ(*pem, crls);
  const auto der = LoadCrls(directory_.Write("der", Text(crls[0])));
  ASSERT_TRUE(der.ok()) << der.status().message();
  EXPECT_EQ(*der, std::vector<Bytes>{crls[0]});
}

TEST_F(CertificateFilesTest, RefusesAFileWithoutACrl) {
  EXPECT_NE(CrlsError("").find("holds no CRL"), std::string::npos);
  EXPECT_NE(CrlsError(CertificatePem(Pki().server.leaf())).find("holds a CERTIFICATE"),
            std::string::npos);
}

TEST_F(CertificateFilesTest, NamesTheTrustAnchorWithoutACrl) {
  const std::vector<Bytes> anchors = {Pki().client_root.certificate(),
                                      Pki().server_root.certificate()};
  EXPECT_TRUE(CheckCrlsCover({anchors[0]}, Pki().client_crls).ok());
  const Status status = CheckCrlsCover(anchors, Pki().client_crls);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("no CRL of CN=Test server CA"), std::string::npos);
}

}  // namespace
}  // namespace detach
