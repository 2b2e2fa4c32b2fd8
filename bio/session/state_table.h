// The state of a detachable connection, and every way it changes: one table, as data.
#ifndef DETACH_BIO_SESSION_STATE_TABLE_H_
#define DETACH_BIO_SESSION_STATE_TABLE_H_

#include <array>
#include <optional>
#include <string_view>

namespace detach {

// What one direction of the connection carries.
enum class Sending { kRaw, kHandshake, kTls, kClosing };
enum class Receiving { kRaw, kHandshake, kTls };

struct State {
  Sending sending = Sending::kRaw;
  Receiving receiving = Receiving::kRaw;

  bool operator==(const State&) const = default;
};

enum class Event {
  kUpgrade,        // the owner asks for TLS
  kHandshakeDone,  // the backend reports it
  kDetach,         // the owner ends its direction
  kCloseNotify,    // the backend reports the peer's
};

// What the session does when it takes a transition.
enum class Action {
  kNone,
  kSendCloseNotify,
};

// Whether the TLS connection can end one direction alone (TlsBackend::half_detach).
enum class Detachment { kHalf, kQuiesced, kAny };

struct Transition {
  State from;
  Event event;
  Detachment detachment;
  State to;
  Action action;
  std::string_view why;
};

// kTransitions is the whole machine: what is not here is kMisuse when the owner asks for it and
// kViolation when the peer does it. Failure is not a state of it: the first error is latched beside
// it. docs/STATE-MACHINE.md is generated from it.
inline constexpr std::array kTransitions = {
    Transition{{Sending::kRaw, Receiving::kRaw},
               Event::kUpgrade,
               Detachment::kAny,
               {Sending::kHandshake, Receiving::kHandshake},
               Action::kNone,
               "raw bytes that nobody has read become TLS input"},
    Transition{{Sending::kHandshake, Receiving::kHandshake},
               Event::kHandshakeDone,
               Detachment::kAny,
               {Sending::kTls, Receiving::kTls},
               Action::kNone,
               "from here on a close_notify proves something"},
    // TLS 1.3 (RFC 9846 §6.1): each direction ends by itself.
    Transition{{Sending::kTls, Receiving::kTls},
               Event::kDetach,
               Detachment::kHalf,
               {Sending::kRaw, Receiving::kTls},
               Action::kSendCloseNotify,
               "what the owner writes next follows the close_notify raw"},
    Transition{{Sending::kTls, Receiving::kTls},
               Event::kCloseNotify,
               Detachment::kHalf,
               {Sending::kTls, Receiving::kRaw},
               Action::kNone,
               "our direction goes on under TLS"},
    Transition{{Sending::kTls, Receiving::kRaw},
               Event::kDetach,
               Detachment::kHalf,
               {Sending::kRaw, Receiving::kRaw},
               Action::kSendCloseNotify,
               "both ends have left: the TLS object is freed"},
    Transition{{Sending::kRaw, Receiving::kTls},
               Event::kCloseNotify,
               Detachment::kHalf,
               {Sending::kRaw, Receiving::kRaw},
               Action::kNone,
               "both ends have left: the TLS object is freed"},
    // TLS 1.2 (RFC 5246 §7.2.1): whoever closes first sends nothing more until the answer has come.
    Transition{{Sending::kTls, Receiving::kTls},
               Event::kDetach,
               Detachment::kQuiesced,
               {Sending::kClosing, Receiving::kTls},
               Action::kSendCloseNotify,
               "silent until the peer's close_notify"},
    Transition{{Sending::kClosing, Receiving::kTls},
               Event::kCloseNotify,
               Detachment::kQuiesced,
               {Sending::kRaw, Receiving::kRaw},
               Action::kNone,
               "both ends have left: the TLS object is freed"},
    Transition{{Sending::kTls, Receiving::kTls},
               Event::kCloseNotify,
               Detachment::kQuiesced,
               {Sending::kClosing, Receiving::kRaw},
               Action::kSendCloseNotify,
               "RFC 5246: \"MUST respond with a close_notify alert of its own\""},
    Transition{{Sending::kClosing, Receiving::kRaw},
               Event::kDetach,
               Detachment::kQuiesced,
               {Sending::kRaw, Receiving::kRaw},
               Action::kNone,
               "the owner agrees: what it writes next is raw"},
};

// FindTransition returns the row for `event` in `from`, or nullopt where there is none.
constexpr std::optional<Transition> FindTransition(State from, Event event,
                                                   bool half_detach) noexcept {
  const Detachment detachment = half_detach ? Detachment::kHalf : Detachment::kQuiesced;
  for (const Transition& row : kTransitions) {
    if (row.from == from && row.event == event &&
        (row.detachment == Detachment::kAny || row.detachment == detachment)) {
      return row;
    }
  }
  return std::nullopt;
}

std::string_view Name(Sending sending) noexcept;
std::string_view Name(Receiving receiving) noexcept;
std::string_view Name(Event event) noexcept;

}  // namespace detach

#endif  // DETACH_BIO_SESSION_STATE_TABLE_H_
