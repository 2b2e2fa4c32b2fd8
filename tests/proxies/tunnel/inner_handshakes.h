// Real TLS connections of every kind that the cover rule has to tell apart, as bytes.
#ifndef DETACH_TESTS_PROXIES_TUNNEL_INNER_HANDSHAKES_H_
#define DETACH_TESTS_PROXIES_TUNNEL_INNER_HANDSHAKES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"
#include "proxies/tunnel/inner_handshake_observer.h"

namespace detach {

// Flight is what one end wrote at a time. It could not be written before `needs` bytes of the other
// direction had reached that end.
struct Flight {
  Direction direction;
  Bytes bytes;
  std::size_t needs;
};

struct InnerConnection {
  std::string name;
  std::vector<Flight> flights;
  bool detaches;  // whether the cover rule lets it go raw
  bool tls13;
};

// The name that the client asks for, and that must not be seen outside the cover.
inline constexpr char kInnerName[] = "wiki.corp.example";

// CaptureInnerConnections runs OpenSSL against itself in memory: handshake, a request and an answer
// of several records, close. A failure aborts the process.
std::vector<InnerConnection> CaptureInnerConnections();

// Whole returns all bytes of one direction.
Bytes Whole(const InnerConnection& connection, Direction direction);

}  // namespace detach

#endif  // DETACH_TESTS_PROXIES_TUNNEL_INNER_HANDSHAKES_H_
