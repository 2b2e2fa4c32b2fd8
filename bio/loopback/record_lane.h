// RecordLane: one direction of a connection, cut into TLS records on its way.
#ifndef DETACH_BIO_LOOPBACK_RECORD_LANE_H_
#define DETACH_BIO_LOOPBACK_RECORD_LANE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bio/record/record_gate.h"

namespace detach {

// RecordLane takes bytes as a transport delivers them and lets whole records through when its owner
// says so. What it has let through is Output; while there is any, nothing is received. Holds at
// most RecordGate::kChunk bytes. May throw std::bad_alloc.
class RecordLane {
 public:
  // ReceiveSpace returns where the next bytes go; empty: not now.
  std::span<std::uint8_t> ReceiveSpace() {
    return output_.empty() && !ended_ ? gate_.Prepare() : std::span<std::uint8_t>();
  }
  void Received(std::size_t size) noexcept { gate_.Commit(size); }
  void ReceivedEnd() noexcept { ended_ = true; }

  // Append puts `bytes` behind what was received. False: there is no room for all of them.
  bool Append(std::span<const std::uint8_t> bytes) { return gate_.Append(bytes) == bytes.size(); }

  // Output returns what goes on next; valid until OutputWritten has said that all of it went.
  std::span<const std::uint8_t> Output() const noexcept { return output_; }
  void OutputWritten(std::size_t size) noexcept { output_ = output_.subspan(size); }
  // OutputIsRecord reports whether what PassRecord let through is a record.
  bool OutputIsRecord() const noexcept;

  // Precondition of the following: Output is empty.

  // PassRecord lets one whole record through, or the five bytes that are no header of one. False:
  // none is there.
  bool PassRecord() noexcept;
  // PassRecords lets every whole record through. False: it ended with five bytes that are no header
  // of one.
  bool PassRecords() noexcept;
  // PassRest lets through whatever is there.
  void PassRest() noexcept { output_ = gate_.TakeRaw(gate_.held()); }
  // Drop forgets all that is there, Output too.
  void Drop() noexcept;
  // TakeLeftover returns all that is there.
  std::vector<std::uint8_t> TakeLeftover();

  bool ended() const noexcept { return ended_; }
  // drained: there is nothing more to pass, nor will there be.
  bool drained() const noexcept { return ended_ && output_.empty() && gate_.held() == 0; }
  std::size_t held() const noexcept { return gate_.held(); }

 private:
  RecordGate gate_;
  std::span<const std::uint8_t> output_;  // in the gate's memory, which stays as it is meanwhile
  bool ended_ = false;
};

}  // namespace detach

#endif  // DETACH_BIO_LOOPBACK_RECORD_LANE_H_
