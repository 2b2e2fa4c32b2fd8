// What becomes of a client's connections where memory gives out.
#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <new>
#include <tuple>
#include <vector>

#include "tests/provider/keeper/kept_connections_fixture.h"
#include "tests/support/scarce_memory.h"

namespace detach {
namespace {

class ConnectionsWithoutMemoryTest : public KeptConnectionsFixture {};

TEST_F(ConnectionsWithoutMemoryTest, AreGivenUpAfterAnAnswerForWhichThereIsNoMemory) {
  const Frame question = {
      .type = FrameType::kSignTls12Digest, .name = "id", .payload = std::vector<std::uint8_t>(32)};
  const auto ask = [&](int allocations) {
    const ScarceMemory scarce(allocations);
    try {
      std::ignore = client_.Sign(question);
    } catch (const std::bad_alloc&) {
    }
    return ScarceMemory::GaveOut();
  };
  int allocations = 0;
  for (bool gave_out = true; gave_out; ++allocations) {
    const UniqueFd connection = KeptByClient();
    auto asking = std::async(std::launch::async, ask, allocations);
    EXPECT_TRUE(TakeQuestion(connection));
    EXPECT_TRUE(Reply(connection, {.type = FrameType::kChain, .name = "id", .payload = {1}}));
    gave_out = asking.get();
    EXPECT_TRUE(IsReadable(connection, 0)) << "is kept; allocations: " << allocations;
  }
  EXPECT_GT(allocations, 2) << "nothing was tried";
}

}  // namespace
}  // namespace detach
