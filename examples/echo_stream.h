// A connection whose TLS can be left, by whatever means.
#ifndef DETACH_EXAMPLES_ECHO_STREAM_H_
#define DETACH_EXAMPLES_ECHO_STREAM_H_

#include <cstdint>
#include <span>

#include "bio/session/tls_session.h"
#include "bio/status.h"

namespace detach {

// EchoStream is what EchoConnection needs of a connection. It begins raw; every call blocks. See
// DetachableSocket for what its members do.
class EchoStream {
 public:
  EchoStream() = default;
  EchoStream(const EchoStream&) = delete;
  EchoStream& operator=(const EchoStream&) = delete;
  virtual ~EchoStream() = default;

  virtual Status Upgrade() = 0;
  virtual Status Write(std::span<const std::uint8_t> bytes) = 0;
  virtual Result<ReadResult> Read(std::span<std::uint8_t> bytes) = 0;
  virtual bool half_detach() const = 0;

  // ExpectDetach says that what is written next tells the peer that it may leave TLS.
  virtual Status ExpectDetach() = 0;
  virtual Status Detach() = 0;
  virtual Status DetachSending(std::span<const std::uint8_t> raw) = 0;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_ECHO_STREAM_H_
