// An EchoStream that is a DetachableSocket.
#ifndef DETACH_EXAMPLES_DETACHABLE_STREAM_H_
#define DETACH_EXAMPLES_DETACHABLE_STREAM_H_

#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/socket/detachable_socket.h"
#include "examples/echo_stream.h"

namespace detach {

class DetachableStream final : public EchoStream {
 public:
  // Borrows `context`.
  DetachableStream(DetachableSocket socket, TlsContext& context)
      : socket_(std::move(socket)), context_(context) {}

  Status Upgrade() override { return socket_.Upgrade(context_); }
  Status Write(std::span<const std::uint8_t> bytes) override { return socket_.Write(bytes); }
  Result<ReadResult> Read(std::span<std::uint8_t> bytes) override { return socket_.Read(bytes); }
  bool half_detach() const override { return socket_.session().half_detach(); }
  Status ExpectDetach() override { return {}; }
  Status Detach() override { return socket_.Detach(); }
  Status DetachSending(std::span<const std::uint8_t> raw) override {
    return socket_.DetachSending(raw);
  }

 private:
  DetachableSocket socket_;
  TlsContext& context_;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_DETACHABLE_STREAM_H_
