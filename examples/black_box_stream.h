// An EchoStream whose TLS is done by another program.
#ifndef DETACH_EXAMPLES_BLACK_BOX_STREAM_H_
#define DETACH_EXAMPLES_BLACK_BOX_STREAM_H_

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bio/loopback/loopback_pair.h"
#include "bio/socket/deadline.h"
#include "bio/socket/unique_fd.h"
#include "examples/echo_stream.h"

namespace detach {

// BlackBox is a TLS server that knows nothing of detaching.
struct BlackBox {
  std::string host;  // where it speaks TLS
  std::uint16_t port;
  // Where it passes on what it has decrypted: a connection for each of TLS, which it begins with a
  // line of the PROXY protocol (version 1). Borrowed.
  int clear_listener;
};

class BlackBoxStream final : public EchoStream {
 public:
  BlackBoxStream(UniqueFd plain, BlackBox black_box)
      : black_box_(std::move(black_box)), plain_(std::move(plain)) {}
  ~BlackBoxStream() override;

  Status Upgrade() override;
  Status Write(std::span<const std::uint8_t> bytes) override;
  Result<ReadResult> Read(std::span<std::uint8_t> bytes) override;
  // One direction alone cannot be left: nobody but the stack could read the other.
  bool half_detach() const override { return false; }
  Status ExpectDetach() override;
  Status Detach() override;
  Status DetachSending(std::span<const std::uint8_t> raw) override;

 private:
  Status AwaitClearSide(const std::string& proxy_line, const Deadline& deadline);
  Result<ReadResult> ReadClear(std::span<std::uint8_t> bytes);
  Result<ReadResult> ReadRaw(std::span<std::uint8_t> bytes);
  Result<ReadResult> PeerLeft();
  Status Leave();

  const BlackBox black_box_;
  UniqueFd plain_;                    // while the connection is raw
  std::vector<std::uint8_t> unread_;  // raw, and before what plain_ delivers
  // While it is under TLS:
  std::unique_ptr<LoopbackPair> pair_;
  std::future<Result<std::optional<LoopbackPair::Detached>>> running_;
  UniqueFd clear_;
  bool expecting_ = false;
  bool peer_left_ = false;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_BLACK_BOX_STREAM_H_
