// Targets and patterns: what is read is canonical, so that no two parties read it differently.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxies/tunnel/authority.h"
#include "proxies/tunnel/host_pattern.h"
#include "proxies/tunnel/network.h"
#include "tests/fuzz/fuzz_require.h"

namespace detach {
namespace {

void TryAuthority(std::string_view text) {
  const auto authority = Authority::Parse(text);
  if (!authority.ok()) return;
  const std::string canonical = authority->ToString();
  const auto again = Authority::Parse(canonical);
  FUZZ_REQUIRE(again.ok() && *again == *authority);
  FUZZ_REQUIRE(canonical.size() == text.size());  // nothing but the case has changed
  FUZZ_REQUIRE(authority->port != 0);
  FUZZ_REQUIRE(canonical.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") ==
               std::string::npos);
}

void TryPattern(std::string_view text, PatternPort port) {
  const auto pattern = HostPattern::Parse(text, port);
  if (!pattern.ok()) return;
  const auto again = HostPattern::Parse(pattern->ToString(), port);
  FUZZ_REQUIRE(again.ok() && *again == *pattern);
}

void TryNetwork(std::string_view text) {
  const auto network = Network::Parse(text);
  if (!network.ok()) return;
  const auto again = Network::Parse(network->ToString());
  FUZZ_REQUIRE(again.ok() && *again == *network);
}

}  // namespace
}  // namespace detach

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  detach::TryAuthority(text);
  detach::TryPattern(text, detach::PatternPort::kRequired);
  detach::TryPattern(text, detach::PatternPort::kOptional);
  detach::TryNetwork(text);
  return 0;
}
