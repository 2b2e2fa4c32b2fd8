#include "provider/keeper/exchange.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "provider/keeper/unix_socket.h"

namespace detach {
namespace {

// What a keeper answers that asks for nothing.
Result<Frame> Judge(Result<Frame> reply, FrameType expected) {
  if (!reply.ok() || reply->type == expected) return reply;
  if (reply->type != FrameType::kRefused) {
    return Violation("keeper protocol: a reply to another request");
  }
  const std::string_view reason = RefusalText(static_cast<Refusal>(reply->argument));
  return Incompatible("the keeper refuses: " + std::string(reason));
}

// SendAndReceive returns how many bytes came back; 0 at the end of the connection, -1 with errno.
ssize_t SendAndReceive(int socket, const FrameBytes& request, std::span<std::uint8_t> reply) {
  ssize_t size = 0;
  do {
    size = ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return size;
  do {
    size = ::recv(socket, reply.data(), reply.size(), 0);
  } while (size < 0 && errno == EINTR);
  return size;
}

bool HasEnded(ssize_t size) {
  return size == 0 || (size < 0 && (errno == EPIPE || errno == ECONNRESET));
}

}  // namespace

Exchange::Exchange(KeeperConnections& connections)
    : connections_(connections),
      connection_(connections.TakeKept()),
      replacements_((connection_ != nullptr ? 1 : 0) + (connections.by_channel() ? 1 : 0)) {}

Exchange::~Exchange() {
  if (connection_) connections_.Keep(std::move(connection_));
}

Result<Frame> Exchange::Ask(const Frame& request, FrameType expected) {
  if (!connection_) {
    if (Status status = Connect(); !status.ok()) return status;
  }
  const FrameBytes bytes = EncodeFrame(request);
  std::array<std::uint8_t, kFrameSize + 1> reply;  // one more shows that a frame is too long
  ssize_t size = SendAndReceive(connection_->get(), bytes, reply);
  for (int left = std::exchange(replacements_, 0); left > 0 && HasEnded(size); --left) {
    if (Status status = Connect(); !status.ok()) return status;
    size = SendAndReceive(connection_->get(), bytes, reply);
  }
  if (size <= 0) return Broken(size);
  Result<Frame> answer =
      Judge(DecodeFrame(std::span(reply).first(static_cast<std::size_t>(size))), expected);
  if (answer.status().fault() == Fault::kViolation) connection_.reset();
  return answer;
}

Status Exchange::Connect() {
  connection_.reset();
  Result<KeeperConnectionPtr> connection = connections_.Connect();
  if (!connection.ok()) return connection.status();
  connection_ = *std::move(connection);
  return {};
}

// On a connection that gave no answer in time the next question would get it.
Status Exchange::Broken(ssize_t size) {
  const std::string why =
      HasEnded(size) ? "the keeper has ended the connection; see its log" : SocketErrorText();
  connection_.reset();
  return Transport(connections_.name() + ": " + why);
}

}  // namespace detach
