// The names in a client's certificate: none has a byte that a log or a pattern could misread.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proxies/identity/certificate_names.h"
#include "tests/fuzz/fuzz_require.h"

namespace detach {
namespace {

bool IsPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void RequireVisible(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    FUZZ_REQUIRE(!name.empty() && IsPrintable(name) && name.find(' ') == std::string::npos);
  }
}

void Try(const Bytes& certificate) {
  const auto names = ReadCertificateNames(certificate);
  if (!names.ok()) return;
  RequireVisible(names->uris);
  RequireVisible(names->dns_names);
  RequireVisible(names->emails);
  FUZZ_REQUIRE(IsPrintable(names->subject) && IsPrintable(names->issuer));
  const auto pattern = ClientPattern::Parse(names->Identity());
  FUZZ_REQUIRE(!pattern.ok() || pattern->Matches(*names));
}

}  // namespace
}  // namespace detach

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  detach::Try({data, data + size});
  return 0;
}
