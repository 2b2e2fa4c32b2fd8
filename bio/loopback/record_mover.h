// RecordMover: what passes between a peer and a TLS stack that is a black box, and where it stops.
#ifndef DETACH_BIO_LOOPBACK_RECORD_MOVER_H_
#define DETACH_BIO_LOOPBACK_RECORD_MOVER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "bio/loopback/record_lane.h"
#include "bio/status.h"

namespace detach {

// Verdict is what the stack's clear side said after it was given the one record that decides.
enum class Verdict {
  kEnd,      // end of stream, and no error: the record was the peer's close_notify
  kBytes,    // plaintext: the peer did not detach
  kFailure,  // an error or a reset: the record was not authentic, or the stack failed
};

// RecordMover decides, without I/O, which bytes go on between a peer and a stack that knows nothing
// of detaching. It cannot see into a record; so both ends agree to detach first, and are silent but
// for their close_notify. Then the peer's next record is given to the stack alone, and what the
// stack's clear side says to it is the verdict.
//
// What was received behind that record is the leftover: the stack never sees a byte of it.
//
// After each call from the transports or the owner the lanes' Output and the `…_due` answers may
// have changed. The first error is the last: nothing passes after it. One thread at a time.
class RecordMover {
 public:
  enum class Phase {
    kMoving,      // records pass, both ways
    kExpecting,   // a detach is agreed: the next record of the peer goes to the stack alone
    kHandedOver,  // it went, or is under way; the verdict is awaited
    kLeaving,     // the verdict was kEnd: the stack may still write its own close_notify, and ends
    kDetached,    // both ends have left
    kClosed,      // the connection ended under TLS, both ways
    kFailed,
  };

  // `unread`: raw bytes of the peer that nobody has read; they are the stack's (RFC 3207 §4.2 says
  // why). More than RecordGate::kChunk of them is kMisuse.
  explicit RecordMover(std::span<const std::uint8_t> unread = {});

  // The lanes' owner reads into each and writes what each has for Output, and calls Advance.
  RecordLane& to_stack() noexcept { return to_stack_; }
  RecordLane& to_peer() noexcept { return to_peer_; }
  void Advance();

  // PeerEndDue, StackEndDue: whether the end of the one is now to be told to the other (FIN).
  bool PeerEndDue() const noexcept { return phase_ == Phase::kMoving && to_peer_.drained(); }
  bool StackEndDue() const noexcept {
    return phase_ == Phase::kLeaving || (phase_ == Phase::kMoving && to_stack_.drained());
  }

  // StackTakesNoMore says that writing to the stack failed. While bytes just move, what it still
  // writes goes on to the peer, and what the peer sends is dropped.
  void StackTakesNoMore(Status why);

  // StackFailed says that reading from the stack failed. While bytes just move, that is its end: a
  // stack that closes at once behind its alert resets the connection, and the alert says why.
  void StackFailed(Status why);

  // --- the owner of the clear side ---

  // ExpectDetach says that the two ends have agreed. Records that are on their way to the stack
  // already are not the one that decides. kMisuse unless kMoving, and
  // where the stack has ended already.
  Status ExpectDetach();

  // ForgetDetach says that there will be none after all: back to kMoving. kMisuse where the record
  // is with the stack already, or none is expected: then there is a verdict to come, or nothing.
  Status ForgetDetach();

  // Decide tells what the clear side said. kEnd before the record was given to the stack is
  // kViolation: whatever ended then was no agreed detach. kBytes: back to kMoving.
  Status Decide(Verdict verdict);

  // Fail latches `status`, unless there is a failure already.
  void Fail(Status status);

  Phase phase() const noexcept { return phase_; }
  const Status& status() const noexcept { return failure_; }

  // TakeLeftover: what the peer sent behind its close_notify. Precondition: kDetached.
  std::vector<std::uint8_t> TakeLeftover() { return to_stack_.TakeLeftover(); }

 private:
  void PassToStack();
  void PassToPeer();
  void PassLastWords();

  Phase phase_ = Phase::kMoving;
  RecordLane to_stack_;
  RecordLane to_peer_;
  bool stack_takes_no_more_ = false;
  bool last_words_passed_ = false;  // the one record of kLeaving
  Status failure_;                  // the first, for ever
};

}  // namespace detach

#endif  // DETACH_BIO_LOOPBACK_RECORD_MOVER_H_
