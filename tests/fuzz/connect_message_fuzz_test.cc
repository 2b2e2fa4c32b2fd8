// CONNECT messages: the same whole and byte by byte; nothing behind the header is taken.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxies/tunnel/connect_message.h"
#include "tests/fuzz/fuzz_require.h"

namespace detach {
namespace {

using Input = std::span<const std::uint8_t>;

std::size_t FeedRequest(ConnectRequestParser& parser, Input bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !parser.done()) parser.Receive(bytes.subspan(taken++, 1));
  return taken;
}

std::size_t FeedResponse(ConnectResponseParser& parser, Input bytes, std::size_t step) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !parser.done()) {
    const Input piece = bytes.subspan(taken, std::min(step, bytes.size() - taken));
    const std::size_t size = parser.Receive(piece);
    FUZZ_REQUIRE(size == piece.size() || (size < piece.size() && parser.done()));
    taken += size;
  }
  return taken;
}

void RequireSame(const ConnectRequestParser& a, const ConnectRequestParser& b) {
  FUZZ_REQUIRE((a.request() == nullptr) == (b.request() == nullptr));
  if (a.request() == nullptr) {
    FUZZ_REQUIRE(a.refusal()->status == b.refusal()->status);
    return;
  }
  FUZZ_REQUIRE(a.request()->authority == b.request()->authority);
  FUZZ_REQUIRE(a.request()->tls_detach == b.request()->tls_detach);
}

void TryRequest(Input bytes) {
  ConnectRequestParser by_bytes;
  const std::size_t taken = FeedRequest(by_bytes, bytes);
  if (taken == 0) return;
  ConnectRequestParser whole;
  whole.Receive(bytes.first(taken));
  FUZZ_REQUIRE(whole.done() == by_bytes.done());
  if (!whole.done()) return;
  RequireSame(whole, by_bytes);
  if (whole.request() == nullptr) return;
  FUZZ_REQUIRE(taken >= 4 &&
               std::equal(bytes.begin() + taken - 4, bytes.begin() + taken, "\r\n\r\n"));
  FUZZ_REQUIRE(std::string_view(reinterpret_cast<const char*>(bytes.data()), 8) == "CONNECT ");
  const std::string again = SerializeConnectRequest(whole.request()->authority, std::nullopt);
  ConnectRequestParser reparsed;
  reparsed.Receive({reinterpret_cast<const std::uint8_t*>(again.data()), again.size()});
  FUZZ_REQUIRE(reparsed.done() && reparsed.request() != nullptr);
  FUZZ_REQUIRE(reparsed.request()->authority == whole.request()->authority);
}

void TryResponse(Input bytes) {
  ConnectResponseParser whole, by_bytes;
  const std::size_t taken = FeedResponse(whole, bytes, bytes.size());
  FUZZ_REQUIRE(FeedResponse(by_bytes, bytes, 1) == taken);
  FUZZ_REQUIRE(whole.done() == by_bytes.done());
  if (!whole.done()) return;
  FUZZ_REQUIRE(whole.result().ok() == by_bytes.result().ok());
  if (!whole.result().ok()) return;
  FUZZ_REQUIRE(whole.result()->status == by_bytes.result()->status);
  FUZZ_REQUIRE(whole.result()->status >= 200 && whole.result()->status <= 599);
}

}  // namespace
}  // namespace detach

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  detach::TryRequest({data, size});
  detach::TryResponse({data, size});
  return 0;
}
