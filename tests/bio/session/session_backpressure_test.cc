// No queue of a session grows without bound, and a slow reader loses nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/bio/session/session_fixture.h"

namespace detach {
namespace {

constexpr std::size_t kChunk = RecordGate::kChunk;

using SessionBackpressureTest = SessionTest;

// Offer delivers as much of `wire` as the session takes, reading nothing; returns how much that
// was.
std::size_t Offer(TlsSession& session, std::string_view wire) {
  std::size_t taken = 0;
  while (taken < wire.size()) {
    const std::span<std::uint8_t> space = session.ReceiveSpace();
    const std::size_t size = std::min(space.size(), wire.size() - taken);
    if (size == 0) break;
    std::copy_n(wire.begin() + static_cast<std::ptrdiff_t>(taken), size, space.begin());
    EXPECT_TRUE(session.Received(size).ok());
    taken += size;
  }
  return taken;
}

std::string Records(std::size_t count, std::size_t size) {
  std::string wire;
  for (std::size_t i = 0; i < count; ++i) {
    wire += ScriptedRecord("data:" + std::string(size, static_cast<char>('a' + i % 26)));
  }
  return wire;
}

TEST_F(SessionBackpressureTest, AReaderThatStopsStopsTheTransportUnderTls) {
  EnterTls();
  const std::string wire = Records(40, 10000);
  const std::size_t taken = Offer(session_, wire);
  EXPECT_LE(taken, kChunk);
  EXPECT_LE(session_.unread(), kChunk);
  EXPECT_TRUE(session_.ReceiveSpace().empty());
}

TEST_F(SessionBackpressureTest, AReaderThatStopsStopsTheTransportInTheRaw) {
  const std::size_t taken = Offer(session_, std::string(3 * kChunk, 'x'));
  EXPECT_EQ(taken, kChunk);
  EXPECT_EQ(session_.unread(), kChunk);
}

TEST_F(SessionBackpressureTest, ASlowReaderGetsEveryByteInOrder) {
  EnterTls();
  const std::string raw(2 * kChunk, 'r');
  const std::string wire = Records(40, 10000) + ScriptedRecord("close") + raw;
  std::string tls_text;
  std::string raw_text;
  std::size_t sent = 0;
  std::vector<std::uint8_t> buffer(777);
  while (raw_text.size() < raw.size()) {
    sent += Offer(session_, std::string_view(wire).substr(sent));
    const Result<ReadResult> result = session_.Read(buffer);
    ASSERT_TRUE(result.ok());
    ASSERT_LE(session_.unread(), kChunk);
    std::string& text = result->origin == Origin::kTls ? tls_text : raw_text;
    if (result->event == ReadEvent::kBytes)
      text.append(buffer.begin(), buffer.begin() + result->size);
  }
  std::string expected;
  for (std::size_t i = 0; i < 40; ++i) expected.append(10000, static_cast<char>('a' + i % 26));
  EXPECT_EQ(tls_text, expected);
  EXPECT_EQ(raw_text, raw);
}

TEST_F(SessionBackpressureTest, WriteTakesNoMoreThanTheBoundInTheRaw) {
  const Bytes much(3 * TlsSession::kMaxOutput);
  Result<std::size_t> taken = session_.Write(much);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(*taken, TlsSession::kMaxOutput);
  taken = session_.Write(much);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(*taken, 0u);
  TakeOutput(session_, 10);
  taken = session_.Write(much);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(*taken, 10u);
}

TEST_F(SessionBackpressureTest, WriteTakesNoMorePlaintextThanTheBound) {
  EnterTls();
  const Bytes much(3 * TlsSession::kMaxOutput);
  const Result<std::size_t> taken = session_.Write(much);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(*taken, TlsSession::kMaxOutput);
  EXPECT_LE(session_.Output().size(), TlsSession::kMaxOutput + 1024) << "the records' overhead";
  EXPECT_EQ(WriteText(session_, "x").fault(), Fault::kInternal) << "took nothing";
}

TEST_F(SessionBackpressureTest, ADetachIsQueuedHoweverFullTheOutputIs) {
  EnterTls();
  ASSERT_TRUE(session_.Write(Bytes(3 * TlsSession::kMaxOutput)).ok());
  ASSERT_TRUE(session_.Detach().ok());
  const std::string wire = TakeOutput(session_);
  EXPECT_TRUE(wire.ends_with(ScriptedRecord("close")));
}

// Threat P13: a peer that makes us answer and never reads the answers.
TEST_F(SessionBackpressureTest, AFloodOfKeyUpdatesDoesNotGrowTheOutputWithoutBound) {
  EnterTls();
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += ScriptedRecord("key-update");
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = Feed(session_, flood);
  EXPECT_EQ(status.fault(), Fault::kViolation);
  EXPECT_LE(session_.Output().size(), 3 * TlsSession::kMaxOutput);
}

}  // namespace
}  // namespace detach
