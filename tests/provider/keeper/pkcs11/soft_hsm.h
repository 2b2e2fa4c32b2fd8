// Tokens of SoftHSM, made with its own tools and GnuTLS's.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_PKCS11_SOFT_HSM_H_
#define DETACH_TESTS_PROVIDER_KEEPER_PKCS11_SOFT_HSM_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace detach {

inline constexpr const char* kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";

// SoftHsm leads this process's SoftHSM to tokens of its own, which has to know them all when it is
// initialised: once in a process.
class SoftHsm {
 public:
  static constexpr const char* kPin = "1234";

  SoftHsm() {
    std::filesystem::create_directories(directory_.path() / "tokens");
    const std::string config = directory_.Write(
        "softhsm2.conf", "directories.tokendir = " + (directory_.path() / "tokens").string() +
                             "\nlog.level = ERROR\n");
    ::setenv("SOFTHSM2_CONF", config.c_str(), 1);
    ::setenv("GNUTLS_PIN", kPin, 1);
  }

  void AddToken(const std::string& token) const {
    Run("softhsm2-util --init-token --free --so-pin 5678 --label " + token + " --pin " + kPin);
  }

  void AddKey(const std::string& token, const std::string& name,
              const TestCertificate& certificate) const {
    Run("softhsm2-util --import " + directory_.Write("key.pem", certificate.KeyPem()) +
        " --token " + token + " --label " + name + " --id " + Id(name) + " --pin " + kPin);
  }

  void AddCertificate(const std::string& token, const std::string& name, const Bytes& der) const {
    Run("p11tool --batch --login --write --provider " + std::string(kSoftHsm) +
        " --load-certificate " + directory_.Write("certificate.pem", CertificatePem(der)) +
        " --label " + name + " --id " + Id(name) + " pkcs11:token=" + token);
  }

 private:
  static std::string Id(const std::string& name) {
    std::string id;
    for (const char letter : name) id += std::to_string(10 + letter % 90);
    return id;
  }

  static void Run(const std::string& command) {
    EXPECT_EQ(std::system((command + " >&2").c_str()), 0) << command;  // NOLINT(cert-env33-c)
  }

  TemporaryDirectory directory_;
};

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_PKCS11_SOFT_HSM_H_
