// What tests do to a TlsSession all the time: feed it, and read off what it says.
#ifndef DETACH_TESTS_SUPPORT_SESSION_DRIVER_H_
#define DETACH_TESTS_SUPPORT_SESSION_DRIVER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bio/session/tls_session.h"

namespace detach {

// Feed delivers `bytes` from the transport, reading nothing in between. A session that has no room
// left is a failure of the test: kInternal.
Status Feed(TlsSession& session, std::string_view bytes);

// TakeOutput takes at most `max` bytes off Output, as a transport would.
std::string TakeOutput(TlsSession& session, std::size_t max = static_cast<std::size_t>(-1));

// Transcript writes down what reads returned, separated by blanks: "tls:TEXT" and "raw:TEXT" for
// bytes (joined where neighbours have one origin), "detached", "end", "error:FAULT".
class Transcript {
 public:
  void Add(std::string_view event);
  void AddBytes(Origin origin, std::string_view bytes);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::optional<Origin> origin_;  // of the last event, where it was bytes
};

// ReadAll reads until the session wants input, ends or fails.
void ReadAll(TlsSession& session, Transcript& transcript, std::size_t read_size = 4096);
std::string ReadAll(TlsSession& session, std::size_t read_size = 4096);

// WriteText writes all of `text`; for texts that Output has room for.
Status WriteText(TlsSession& session, std::string_view text);

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_SESSION_DRIVER_H_
