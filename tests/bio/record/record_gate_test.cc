#include "bio/record/record_gate.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string_view>
#include <vector>

namespace {

// The live arrays that are as large as the gate's chunk.
int live_chunks = 0;

bool IsChunk(void* memory) {
  return memory != nullptr && malloc_usable_size(memory) >= detach::RecordGate::kChunk;
}

void Free(void* memory) noexcept {
  if (IsChunk(memory)) --live_chunks;
  std::free(memory);
}

}  // namespace

void* operator new[](std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  if (IsChunk(memory)) ++live_chunks;
  return memory;
}
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { Free(memory); }

namespace detach {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes Record(std::uint8_t type, std::size_t length) {
  Bytes record = {type, 3, 3, static_cast<std::uint8_t>(length >> 8),
                  static_cast<std::uint8_t>(length)};
  for (std::size_t i = 0; i < length; ++i) record.push_back(static_cast<std::uint8_t>(type + i));
  return record;
}

Bytes Copy(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

Bytes Text(std::string_view text) { return {text.begin(), text.end()}; }

Bytes Concat(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const std::vector<Bytes>& SomeRecords() {
  static const std::vector<Bytes> records = {Record(22, 0), Record(23, 1), Record(20, 1),
                                             Record(23, 40), Record(21, 2)};
  return records;
}

// TakeRecords takes up to `count` records, as an owner does that stops at the close_notify.
std::vector<Bytes> TakeRecords(RecordGate& gate, std::size_t count) {
  std::vector<Bytes> taken;
  while (taken.size() < count) {
    const Bytes record = Copy(gate.TakeRecord());
    if (record.empty()) break;
    taken.push_back(record);
  }
  return taken;
}

// The records, then the leftover, cut in two at `split`.
void ExpectRecordsThenLeftover(std::span<const std::uint8_t> wire, std::size_t split,
                               const Bytes& leftover) {
  RecordGate gate;
  gate.Append(wire.first(split));
  std::vector<Bytes> records = TakeRecords(gate, SomeRecords().size());
  gate.Append(wire.subspan(split));
  for (Bytes& record : TakeRecords(gate, SomeRecords().size() - records.size())) {
    records.push_back(std::move(record));
  }
  EXPECT_EQ(records, SomeRecords()) << "split at " << split;
  EXPECT_TRUE(gate.at_boundary());
  EXPECT_EQ(Copy(gate.TakeRaw(RecordGate::kChunk)), leftover) << "split at " << split;
  EXPECT_EQ(gate.held(), 0u);
}

TEST(RecordGateTest, KeepsWhatFollowsTheLastRecordAtEverySplit) {
  for (const Bytes& leftover :
       {Bytes{}, Bytes{0}, Text("GET / HTTP/1.1\r\n"), Record(21, 2), Record(22, 30)}) {
    const Bytes wire = Concat({Concat(SomeRecords()), leftover});
    for (std::size_t split = 0; split <= wire.size(); ++split) {
      ExpectRecordsThenLeftover(wire, split, leftover);
    }
  }
}

TEST(RecordGateTest, GivesNoRecordBeforeItsLastByteIsThere) {
  RecordGate gate;
  const Bytes record = Record(23, 40);
  for (std::size_t i = 0; i + 1 < record.size(); ++i) {
    gate.Append(std::span(record).subspan(i, 1));
    EXPECT_TRUE(gate.TakeRecord().empty());
  }
  gate.Append(std::span(record).last(1));
  EXPECT_EQ(Copy(gate.TakeRecord()), record);
}

TEST(RecordGateTest, AnAskNeverCrossesTheEndOfAHeaderOrOfARecord) {
  const Bytes wire = Concat({Concat(SomeRecords()), Text("raw")});
  for (const std::size_t ask : {1u, 2u, 4u, 5u, 6u, 17u, 65536u}) {
    RecordGate gate;
    gate.Append(wire);
    for (const Bytes& record : SomeRecords()) {
      ASSERT_TRUE(gate.at_boundary());
      Bytes taken;
      do {
        const bool in_header = taken.size() < kRecordHeaderSize;
        const std::size_t end = in_header ? kRecordHeaderSize : record.size();
        const Bytes part = Copy(gate.TakeUpTo(ask));
        ASSERT_FALSE(part.empty());
        ASSERT_LE(part.size(), ask);
        ASSERT_LE(taken.size() + part.size(), end);
        taken.insert(taken.end(), part.begin(), part.end());
      } while (!gate.at_boundary());
      EXPECT_EQ(taken, record);
    }
    EXPECT_EQ(Copy(gate.TakeRaw(100)), Text("raw"));
  }
}

TEST(RecordGateTest, AnAskIsAnsweredAtEverySplitOfTheWire) {
  const Bytes record = Record(23, 9);
  for (std::size_t split = 0; split <= record.size(); ++split) {
    RecordGate gate;
    Bytes taken;
    for (const Bytes& part : {Bytes(record.begin(), record.begin() + split),
                              Bytes(record.begin() + split, record.end())}) {
      gate.Append(part);
      while (gate.held() > 0) {
        const Bytes some = Copy(gate.TakeUpTo(100));
        taken.insert(taken.end(), some.begin(), some.end());
      }
      EXPECT_EQ(gate.at_boundary(), taken.empty() || taken == record) << "split at " << split;
    }
    EXPECT_EQ(taken, record);
  }
}

TEST(RecordGateTest, NothingHeldGivesNothing) {
  RecordGate gate;
  EXPECT_TRUE(gate.TakeRecord().empty());
  EXPECT_TRUE(gate.TakeUpTo(5).empty());
  EXPECT_TRUE(gate.TakeRaw(5).empty());
  EXPECT_TRUE(gate.at_boundary());
}

const std::vector<Bytes>& NoRecordStartsSo() {
  static const std::vector<Bytes> headers = {
      Text("GET /"),       Text("SSH-2"),         {0, 3, 3, 0, 1},  {19, 3, 3, 0, 1},
      {24, 3, 3, 0, 1},    {22, 2, 0, 0, 1},      {22, 4, 0, 0, 1}, {0x80, 0x2e, 1, 0, 2},
      {23, 3, 3, 0x48, 1}, {23, 3, 3, 0xff, 0xff}};
  return headers;
}

TEST(RecordGateTest, GivesTheFiveBytesThatAreNoHeaderForTheStackToRefuse) {
  for (const Bytes& header : NoRecordStartsSo()) {
    RecordGate gate;
    gate.Append(std::span(header).first(4));
    EXPECT_TRUE(gate.TakeRecord().empty());
    gate.Append(std::span(header).last(1));
    gate.Append(Text("behind"));
    EXPECT_EQ(Copy(gate.TakeRecord()), header);
    EXPECT_EQ(gate.held(), 6u);
  }
}

TEST(RecordGateTest, AnAskForBytesThatAreNoHeaderStopsBehindFive) {
  for (const Bytes& header : NoRecordStartsSo()) {
    RecordGate gate;
    gate.Append(Concat({header, Text("behind")}));
    EXPECT_EQ(Copy(gate.TakeUpTo(100)), header);
    EXPECT_TRUE(gate.at_boundary());
    EXPECT_EQ(gate.held(), 6u);
  }
}

TEST(RecordGateTest, TakesTheLargestRecord) {
  RecordGate gate;
  const Bytes record = Record(23, kMaxRecordBody);
  EXPECT_EQ(gate.Append(record), kMaxRecordSize);
  EXPECT_EQ(Copy(gate.TakeRecord()), record);
}

TEST(RecordGateTest, TakesNoMoreThanAChunkAndSaysSo) {
  RecordGate gate;
  const Bytes record = Record(23, 16384);
  Bytes wire;
  for (int i = 0; i < 5; ++i) wire = Concat({wire, record});
  EXPECT_EQ(gate.Append(wire), RecordGate::kChunk);
  EXPECT_EQ(gate.held(), RecordGate::kChunk);
  EXPECT_TRUE(gate.Prepare().empty());
  EXPECT_EQ(gate.Append(wire), 0u);
  EXPECT_EQ(Copy(gate.TakeRecord()), record);
  EXPECT_EQ(gate.Prepare().size(), record.size());
}

TEST(RecordGateTest, KeepsEveryByteWhileFullAndEmptiedInTurns) {
  Bytes wire;
  std::vector<Bytes> records;
  for (std::size_t i = 0; i < 60; ++i) {
    records.push_back(Record(23, (i * 997) % kMaxRecordBody));
    wire.insert(wire.end(), records.back().begin(), records.back().end());
  }
  RecordGate gate;
  std::size_t sent = 0;
  for (const Bytes& expected : records) {
    sent += gate.Append(std::span(wire).subspan(sent));
    ASSERT_EQ(Copy(gate.TakeRecord()), expected);
  }
  EXPECT_EQ(sent, wire.size());
  EXPECT_EQ(gate.held(), 0u);
}

TEST(RecordGateTest, CountsWhatTheTransportWroteIntoThePreparedSpace) {
  RecordGate gate;
  const Bytes record = Record(23, 3);
  const std::span<std::uint8_t> space = gate.Prepare();
  ASSERT_EQ(space.size(), RecordGate::kChunk);
  std::copy(record.begin(), record.end(), space.begin());
  gate.Commit(record.size());
  EXPECT_EQ(gate.held(), record.size());
  EXPECT_EQ(Copy(gate.TakeRecord()), record);
}

TEST(RecordGateTest, HoldsMemoryOnlyWhileItHoldsBytes) {
  ASSERT_EQ(live_chunks, 0);
  RecordGate gate;
  gate.Append({});
  EXPECT_EQ(live_chunks, 0);
  gate.Append(Text("raw"));
  EXPECT_EQ(live_chunks, 1);
  gate.Release();
  EXPECT_EQ(live_chunks, 1) << "bytes are held";
  EXPECT_EQ(Copy(gate.TakeRaw(10)), Text("raw"));
  gate.Release();
  EXPECT_EQ(live_chunks, 0);
}

TEST(RecordGateTest, RemembersTheRecordInProgressOverARelease) {
  RecordGate gate;
  const Bytes record = Record(23, 10);
  gate.Append(std::span(record).first(8));
  while (gate.held() > 0) gate.TakeUpTo(100);
  gate.Release();
  gate.Append(Concat({Bytes(record.begin() + 8, record.end()), Text("raw")}));
  EXPECT_EQ(gate.TakeUpTo(100).size(), 7u);
  EXPECT_TRUE(gate.at_boundary());
}

}  // namespace
}  // namespace detach
