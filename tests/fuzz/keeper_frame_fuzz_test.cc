// A frame of the keeper's protocol: refused, or exactly what its own encoding says, and no more
// than its type may hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "provider/keeper/certificate_verify.h"
#include "provider/keeper/frame.h"
#include "tests/fuzz/fuzz_require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  const detach::Result<detach::Frame> frame = detach::DecodeFrame(bytes);
  if (!frame.ok()) {
    FUZZ_REQUIRE(frame.status().fault() == detach::Fault::kViolation);
    return 0;
  }
  FUZZ_REQUIRE(size == detach::kFrameSize);
  FUZZ_REQUIRE(frame->payload.size() <= detach::kMaxPayload);
  FUZZ_REQUIRE(frame->name.empty() || detach::IsIdentityName(frame->name));
  const detach::FrameBytes again = detach::EncodeFrame(*frame);
  FUZZ_REQUIRE(std::equal(again.begin(), again.end(), bytes.begin()));
  const auto role = detach::CertificateVerifyRole(frame->payload);
  FUZZ_REQUIRE(!role || frame->payload.size() == 130 || frame->payload.size() == 146);
  return 0;
}
