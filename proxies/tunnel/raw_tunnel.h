// A tunnel in its raw phase: what the set-up hands to the relay, and what the relay reports back.
#ifndef DETACH_PROXIES_TUNNEL_RAW_TUNNEL_H_
#define DETACH_PROXIES_TUNNEL_RAW_TUNNEL_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "bio/socket/unique_fd.h"

namespace detach {

// How a tunnel ended. Whatever is not kClosed has ended in RST on both legs: nobody may take a
// tunnel that was cut for one that came to its end.
enum class TunnelEnding : std::uint8_t {
  kClosed,    // both directions ended in FIN
  kResetByA,  // leg a was reset or failed
  kResetByB,  // leg b was reset or failed
  kIdle,      // no byte moved for the idle limit
  kLifetime,  // the lifetime limit was reached
  kAborted,   // by us: EndIf, Shutdown, or the system had no room for the tunnel
};

// FlowCount counts the bytes that one direction has delivered to its sink.
struct FlowCount {
  std::uint64_t bytes = 0;    // all, with those moved before the hand-over
  std::uint64_t spliced = 0;  // of these by splice(2)
};

struct TunnelEnd {
  std::uint64_t id = 0;
  TunnelEnding how = TunnelEnding::kAborted;
  FlowCount a_to_b;
  FlowCount b_to_a;
  std::chrono::milliseconds duration{0};  // since the hand-over
};

// RawDirection is the state in which one direction of a tunnel is handed over.
struct RawDirection {
  std::vector<std::uint8_t> leftover;  // goes out before anything that is read from the source
  std::uint64_t bytes = 0;             // moved so far, leftover not included
  bool eof = false;                    // the source's FIN was read; FIN follows the leftover
  bool finished = false;               // that FIN was forwarded; implies eof and no leftover
};

// RawTunnel is two connected TCP sockets and what is between them. a and b are interchangeable.
struct RawTunnel {
  std::uint64_t id = 0;  // for EndIf and TunnelEnd; the relay does not care whether it is unique
  UniqueFd a;
  UniqueFd b;
  RawDirection a_to_b;
  RawDirection b_to_a;
  std::chrono::seconds idle_limit{0};      // 0: none; at most a century; may strike a second late
  std::chrono::seconds lifetime_limit{0};  // 0: none; counted from the hand-over
  // Called once, after both sockets are closed, on a thread of the relay (or on Adopt's, when the
  // relay was shut down). Must not block, and must not call Relay::Shutdown.
  std::function<void(const TunnelEnd&)> on_end;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_RAW_TUNNEL_H_
