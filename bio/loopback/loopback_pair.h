// LoopbackPair: detaching with a TLS stack that is a black box.
#ifndef DETACH_BIO_LOOPBACK_LOOPBACK_PAIR_H_
#define DETACH_BIO_LOOPBACK_LOOPBACK_PAIR_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "bio/loopback/record_mover.h"
#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

struct LoopbackLimits {
  // From giving the deciding record to the stack until both ends have left.
  std::chrono::milliseconds leave{5'000};
  // Without a byte, once the stack has ended the connection under TLS.
  std::chrono::milliseconds close{30'000};
};

// LoopbackPair joins a peer's TCP connection to a TLS stack that cannot be detached: the stack, a
// server or a client, is at the other end of `stack` (a TCP connection over 127.0.0.1 or a
// socketpair) and does all of TLS; the application reads and writes the stack's clear side, and
// tells the pair what it sees there. Whoever is the TLS client or server makes no difference.
//
//   the application                          the pair
//   agrees with the peer to detach  ──▶      ExpectDetach, before the peer can know of it
//   reads the clear side            ──▶      Decide: end of stream, bytes, or an error
//   ends the stack (its close_notify)        passes that on, and waits for the stack to close
//                                            Run returns the descriptor and the leftover
//
// Afterwards the peer's descriptor is the application's, raw. To upgrade again, make a new pair of
// it, with the raw bytes that nobody has read, and a new stack.
//
// Run blocks its thread; the other members may be called on any thread meanwhile. A failure is
// latched, and both connections are reset. Raises no SIGPIPE.
class LoopbackPair {
 public:
  struct Detached {
    UniqueFd peer;
    std::vector<std::uint8_t> leftover;  // received behind the peer's close_notify: read it first
  };

  // `peer` and `stack` are connected stream sockets; their flags stay as they are. `unread`: see
  // RecordMover.
  LoopbackPair(UniqueFd peer, UniqueFd stack, std::span<const std::uint8_t> unread = {},
               LoopbackLimits limits = {});

  // Run moves bytes until the detach, or until the connection has ended under TLS (nullopt). Once.
  // kTruncated, kTransport: the peer ended the connection where its close_notify was due, or a
  // limit passed. kViolation: what came was no detach. kInternal: the stack died, or wrote on.
  Result<std::optional<Detached>> Run();

  // ExpectDetach: from the moment that it returns on, the next record of the peer goes to the stack
  // alone. `until`: by when that has to come; without it, whenever. See RecordMover.
  Status ExpectDetach(std::optional<Deadline> until = {});

  // ForgetDetach: see RecordMover.
  Status ForgetDetach();

  // Decide: see RecordMover. With kEnd, the stack is told the end of its transport: it writes its
  // close_notify, if it has not, and closes.
  Status Decide(Verdict verdict);

  // Abandon lets what is under way go out, as long as the peer takes some of it within each
  // LoopbackLimits::close: for an owner who goes. A peer that reads nothing, or writes a byte now
  // and then, would keep Run for ever.
  void Abandon();

  // Stop makes Run fail soon (kMisuse), unless it is over.
  void Stop();

 private:
  void Wake() noexcept;
  void Move();
  bool Receive(RecordLane& lane, const UniqueFd& from);
  bool SendToPeer();
  bool SendToStack();
  void TellEnds();
  // What the peer has taken, and what has moved at all.
  void ChooseLimit(bool taken, bool moved);
  void KeepLimit();
  bool Over() const noexcept;
  void Wait(std::unique_lock<std::mutex>& lock);
  Result<std::optional<Detached>> Finish();

  const LoopbackLimits limits_;
  UniqueFd peer_;
  UniqueFd stack_;
  UniqueFd wake_;  // an eventfd
  std::mutex mutex_;
  // All below under mutex_.
  RecordMover mover_;
  std::optional<Deadline> deadline_;  // of what is awaited now
  bool leaving_ = false;              // deadline_ is limits_.leave
  bool abandoned_ = false;            // by its owner
  bool peer_told_ = false;            // of the stack's end
  bool stack_told_ = false;           // of the peer's
};

}  // namespace detach

#endif  // DETACH_BIO_LOOPBACK_LOOPBACK_PAIR_H_
