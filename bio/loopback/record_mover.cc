#include "bio/loopback/record_mover.h"

#include <utility>

namespace detach {
namespace {

Status NoTls() { return Internal("the TLS stack wrote what is no TLS record; is it a TLS stack?"); }

}  // namespace

RecordMover::RecordMover(std::span<const std::uint8_t> unread) {
  if (!to_stack_.Append(unread)) {
    Fail(Misuse("loopback pair: more raw bytes are unread than it can hold; read them first"));
  }
}

void RecordMover::Advance() {
  if (to_stack_.Output().empty()) PassToStack();
  if (to_peer_.Output().empty()) PassToPeer();
  if (PeerEndDue() && StackEndDue()) phase_ = Phase::kClosed;
}

void RecordMover::PassToStack() {
  if (phase_ == Phase::kMoving) {
    if (stack_takes_no_more_) return to_stack_.Drop();
    // What is no record goes as it came: the stack refuses it, and tells the peer so.
    (void)to_stack_.PassRecords();
    if (to_stack_.Output().empty() && to_stack_.ended()) to_stack_.PassRest();
  } else if (phase_ == Phase::kExpecting) {
    if (to_stack_.PassRecord()) {
      phase_ = Phase::kHandedOver;
    } else if (to_stack_.ended()) {
      Fail(Truncated("the peer ended the connection where its close_notify was due"));
    }
  }
}

void RecordMover::PassToPeer() {
  switch (phase_) {
    case Phase::kMoving:
    case Phase::kExpecting:
    case Phase::kHandedOver:
      if (!to_peer_.PassRecords()) {
        Fail(NoTls());
      } else if (phase_ == Phase::kMoving && to_peer_.ended() && to_peer_.Output().empty()) {
        to_peer_.PassRest();
      }
      return;
    case Phase::kLeaving:
      return PassLastWords();
    default:
      return;
  }
}

// RFC 9846 §6.1: nothing follows a close_notify. A stack that writes on (a late ticket, an alert)
// would write into the raw bytes: so one record may come, and then its end.
void RecordMover::PassLastWords() {
  if (to_peer_.drained()) {
    phase_ = Phase::kDetached;
  } else if (last_words_passed_ && to_peer_.held() > 0) {
    Fail(Internal("the TLS stack wrote on behind its close_notify"));
  } else if (!last_words_passed_) {
    last_words_passed_ = to_peer_.PassRecord();
    if (last_words_passed_ && !to_peer_.OutputIsRecord()) return Fail(NoTls());
    if (to_peer_.ended() && !last_words_passed_) {
      Fail(Internal("the TLS stack ended within a record"));
    }
  }
}

void RecordMover::StackTakesNoMore(Status why) {
  if (phase_ != Phase::kMoving) {
    Fail(std::move(why));
    return;
  }
  stack_takes_no_more_ = true;
  to_stack_.Drop();
}

void RecordMover::StackFailed(Status why) {
  if (phase_ == Phase::kMoving) to_peer_.ReceivedEnd();
  StackTakesNoMore(std::move(why));
}

Status RecordMover::ExpectDetach() {
  if (!failure_.ok()) return failure_;
  if (phase_ != Phase::kMoving) return Misuse("loopback pair: a detach is expected already");
  if (to_peer_.ended()) return Misuse("loopback pair: the TLS stack has closed the connection");
  phase_ = Phase::kExpecting;
  Advance();
  return failure_;
}

Status RecordMover::ForgetDetach() {
  if (!failure_.ok()) return failure_;
  if (phase_ != Phase::kExpecting) return Misuse("loopback pair: too late to forget the detach");
  phase_ = Phase::kMoving;
  Advance();
  return failure_;
}

Status RecordMover::Decide(Verdict verdict) {
  if (!failure_.ok()) return failure_;
  if (phase_ == Phase::kLeaving || phase_ == Phase::kDetached || phase_ == Phase::kClosed) {
    return Misuse("loopback pair: there is nothing to decide");
  }
  if (verdict == Verdict::kFailure) {
    Fail(Violation("the TLS stack failed on what came where close_notify was due"));
  } else if (verdict == Verdict::kBytes) {
    phase_ = Phase::kMoving;
  } else if (phase_ == Phase::kHandedOver && to_stack_.Output().empty()) {
    phase_ = Phase::kLeaving;
  } else {
    Fail(Violation("the peer left TLS before a detach was agreed"));
  }
  Advance();
  return failure_;
}

void RecordMover::Fail(Status status) {
  if (!failure_.ok()) return;
  failure_ = std::move(status);
  phase_ = Phase::kFailed;
  to_stack_.Drop();
  to_peer_.Drop();
}

}  // namespace detach
