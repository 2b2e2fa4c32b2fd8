// The line that the log has for every tunnel that ends.
#ifndef DETACH_PROXIES_LOG_TUNNEL_RECORD_H_
#define DETACH_PROXIES_LOG_TUNNEL_RECORD_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace detach {

// TunnelRecord is what is to be said about one tunnel. Up is from the browser to the destination.
// Texts may hold what a peer sent: they are escaped when they are written.
struct TunnelRecord {
  std::uint64_t id = 0;
  std::string peer;  // address:port of whoever connected to us
  // Whose certificate 1 it is: CertificateNames::Identity(), at a client proxy the subject of our
  // own. Empty: none was asked for.
  std::string client;
  std::string destination;  // host:port, as in the CONNECT
  std::string dialled;      // address:port that we connected to; empty: none
  std::string mode;         // "covered", "connect", "none" (agreed), or "direct": no reverse proxy
  std::uint64_t covered_up = 0;  // bytes inside the outer TLS
  std::uint64_t covered_down = 0;
  std::uint64_t raw_up = 0;  // bytes behind it
  std::uint64_t raw_down = 0;
  std::uint64_t spliced = 0;              // of the raw bytes, both ways, those that splice(2) moved
  std::chrono::milliseconds duration{0};  // since accept
  std::string ending;                     // "closed", or why it was cut
};

// LogTunnelEnd writes the event tunnel_end.
void LogTunnelEnd(const TunnelRecord& tunnel);

}  // namespace detach

#endif  // DETACH_PROXIES_LOG_TUNNEL_RECORD_H_
