#include "bio/loopback/record_lane.h"

#include "bio/record/record_header.h"

namespace detach {
namespace {

bool IsRecord(std::span<const std::uint8_t> bytes) {
  return ParseRecordHeader(bytes.first<kRecordHeaderSize>()).has_value();
}

}  // namespace

bool RecordLane::OutputIsRecord() const noexcept { return IsRecord(output_); }

bool RecordLane::PassRecord() noexcept {
  output_ = gate_.TakeRecord();
  return !output_.empty();
}

bool RecordLane::PassRecords() noexcept {
  while (true) {
    const std::span<const std::uint8_t> record = gate_.TakeRecord();
    if (record.empty()) return true;
    // What the gate gives out lies in one piece.
    output_ = output_.empty() ? record : std::span(output_.data(), output_.size() + record.size());
    if (!IsRecord(record)) return false;
  }
}

void RecordLane::Drop() noexcept {
  output_ = {};
  (void)gate_.TakeRaw(gate_.held());
  gate_.Release();
}

std::vector<std::uint8_t> RecordLane::TakeLeftover() {
  const std::span<const std::uint8_t> held = gate_.TakeRaw(gate_.held());
  return {held.begin(), held.end()};
}

}  // namespace detach
