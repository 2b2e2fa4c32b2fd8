// The TLS-Detach field: what is read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxies/tunnel/detach_field.h"
#include "tests/fuzz/fuzz_require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto field =
      detach::DetachField::Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!field.ok()) return 0;
  const auto again = detach::DetachField::Parse(field->Serialize());
  FUZZ_REQUIRE(again.ok() && *again == *field);
  return 0;
}
