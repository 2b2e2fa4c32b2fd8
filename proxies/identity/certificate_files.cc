#include "proxies/identity/certificate_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>

#include "program/crypto/crypto_types.h"
#include "program/trusted_file.h"

namespace detach {
namespace {

struct PemBlock {
  std::string label;  // what stands behind "BEGIN"
  Bytes der;
};

// Text between the blocks is skipped, as every reader of PEM does.
Result<std::vector<PemBlock>> ReadPem(const std::string& contents) {
  ERR_clear_error();
  const BioPtr in = MemoryBio(contents);
  std::vector<PemBlock> blocks;
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* der = nullptr;
  long size = 0;
  while (PEM_read_bio(in.get(), &label, &header, &der, &size) == 1) {
    blocks.push_back({label, Bytes(der, der + size)});
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string error = TakeCryptoError();
  if (!at_end) {
    return Misuse("PEM block " + std::to_string(blocks.size() + 1) + " is damaged" + error);
  }
  return blocks;
}

// What a kind of file may hold.
struct Kind {
  const char* noun;
  std::vector<std::string> labels;
  bool (*valid)(const Bytes& der);
};

const Kind& Certificates() {
  static const Kind kind = {"certificate",
                            {PEM_STRING_X509, PEM_STRING_X509_OLD},
                            [](const Bytes& der) { return ParseCertificate(der) != nullptr; }};
  return kind;
}

const Kind& Crls() {
  static const Kind kind = {
      "CRL", {PEM_STRING_X509_CRL}, [](const Bytes& der) { return ParseCrl(der) != nullptr; }};
  return kind;
}

Status CheckBlock(const PemBlock& block, const Kind& kind) {
  if (std::count(kind.labels.begin(), kind.labels.end(), block.label) == 0) {
    return Misuse("holds a " + block.label + "; take out what is not a " + kind.noun);
  }
  if (!kind.valid(block.der)) return Misuse("holds a damaged " + std::string(kind.noun));
  return {};
}

Result<std::vector<Bytes>> ReadKind(const std::string& contents, const Kind& kind) {
  Result<std::vector<PemBlock>> blocks = ReadPem(contents);
  if (!blocks.ok()) return blocks.status();
  if (blocks->empty()) return Misuse("holds no " + std::string(kind.noun) + " in PEM");
  std::vector<Bytes> ders;
  for (PemBlock& block : *blocks) {
    if (Status status = CheckBlock(block, kind); !status.ok()) return status;
    ders.push_back(std::move(block.der));
  }
  return ders;
}

template <typename T>
Result<T> InFile(const std::string& path, Result<T> result) {
  if (result.ok()) return result;
  return Status(result.status().fault(), path + ": " + result.status().message());
}

bool HasIssuer(const Bytes& crl, const X509* authority) {
  const CrlPtr parsed = ParseCrl(crl);
  return parsed != nullptr &&
         X509_NAME_cmp(X509_CRL_get_issuer(parsed.get()), X509_get_subject_name(authority)) == 0;
}

}  // namespace

Result<std::vector<Bytes>> LoadCertificates(const std::string& path) {
  Result<std::string> contents = ReadTrustedFile(path);
  if (!contents.ok()) return contents.status();
  return InFile(path, ReadKind(*contents, Certificates()));
}

Result<std::vector<Bytes>> LoadCrls(const std::string& path) {
  Result<std::string> contents = ReadTrustedFile(path);
  if (!contents.ok()) return contents.status();
  Bytes der(contents->begin(), contents->end());
  if (Crls().valid(der)) return std::vector<Bytes>{std::move(der)};
  return InFile(path, ReadKind(*contents, Crls()));
}

Status CheckCrlsCover(const std::vector<Bytes>& trust_anchors, const std::vector<Bytes>& crls) {
  for (const Bytes& anchor : trust_anchors) {
    const X509Ptr authority = ParseCertificate(anchor);
    if (authority == nullptr) return Misuse("a trust anchor is damaged");
    if (std::none_of(crls.begin(), crls.end(),
                     [&](const Bytes& crl) { return HasIssuer(crl, authority.get()); })) {
      return Misuse("holds no CRL of " + NameText(X509_get_subject_name(authority.get())) +
                    ", so every client that it vouches for would be refused; add it");
    }
  }
  return {};
}

}  // namespace detach
