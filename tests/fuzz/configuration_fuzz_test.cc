// The reverse proxy's configuration: whatever the file holds, it is taken whole or refused in one
// line that says where.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bio/socket/unique_fd.h"
#include "proxies/reverse/config.h"
#include "tests/fuzz/fuzz_require.h"

namespace {

detach::Result<detach::UniqueFd> NoKeeper(const std::string&) {
  return detach::Internal("none is started here");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const detach::UniqueFd file(::memfd_create("configuration", MFD_CLOEXEC));
  FUZZ_REQUIRE(::fchmod(file.get(), 0600) == 0);
  FUZZ_REQUIRE(::write(file.get(), data, size) == static_cast<ssize_t>(size));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const auto config = detach::LoadReverseProxyConfig(path, NoKeeper);
  if (config.ok()) {
    FUZZ_REQUIRE(!config->listen.empty() && config->tls.identity != nullptr);
    FUZZ_REQUIRE(!config->tls.trust_anchors.empty());
    FUZZ_REQUIRE(config->tls.check_revocation == !config->tls.crls.empty());
    return 0;
  }
  const std::string message = config.status().message();
  FUZZ_REQUIRE(message.starts_with(path + ":"));
  FUZZ_REQUIRE(
      std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  return 0;
}
