#include "bio/session/state_table.h"

namespace detach {

std::string_view Name(Sending sending) noexcept {
  switch (sending) {
    case Sending::kRaw:
      return "raw";
    case Sending::kHandshake:
      return "handshake";
    case Sending::kTls:
      return "TLS";
    case Sending::kClosing:
      return "closing";
  }
  return "?";
}

std::string_view Name(Receiving receiving) noexcept {
  switch (receiving) {
    case Receiving::kRaw:
      return "raw";
    case Receiving::kHandshake:
      return "handshake";
    case Receiving::kTls:
      return "TLS";
  }
  return "?";
}

std::string_view Name(Event event) noexcept {
  switch (event) {
    case Event::kUpgrade:
      return "upgrade";
    case Event::kHandshakeDone:
      return "handshake done";
    case Event::kDetach:
      return "detach";
    case Event::kCloseNotify:
      return "close_notify received";
  }
  return "?";
}

}  // namespace detach
