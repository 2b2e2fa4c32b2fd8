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

// Judge returns `reply` where it is an answer of the type `expected`, or else why it is none.
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
  const ssize_t size =
      Uninterrupted([&] { return ::send(socket, request.data(), request.size(), MSG_NOSIGNAL); });
  if (size < 0) return size;
  return Uninterrupted([&] { return ::recv(socket, reply.data(), reply.size(), 0); });
}

bool HasEnded(ssize_t size) {
  return size == 0 || (size < 0 && (errno == EPIPE || errno == ECONNRESET));
}

std::string WhyThereIsNoAnswer(ssize_t size) {
  return HasEnded(size) ? "the keeper has ended the connection; see its log" : SocketErrorText();
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
  // It is nobody's until it has answered, also where memory gives out in between: the next question
  // would get this one's answer.
  Result<KeeperConnectionPtr> connection =
      connection_ ? std::move(connection_) : connections_.Connect();
  if (!connection.ok()) return connection.status();
  const FrameBytes bytes = EncodeFrame(request);
  std::array<std::uint8_t, kFrameSize + 1> reply;  // one more shows that a frame is too long
  ssize_t size = SendAndReceive((*connection)->get(), bytes, reply);
  for (int left = std::exchange(replacements_, 0); left > 0 && HasEnded(size); --left) {
    connection = connections_.Connect();
    if (!connection.ok()) return connection.status();
    size = SendAndReceive((*connection)->get(), bytes, reply);
  }
  if (size <= 0) {
    const std::string why = WhyThereIsNoAnswer(size);
    return Transport(connections_.name() + ": " + why);
  }
  Result<Frame> answer =
      Judge(DecodeFrame(std::span(reply).first(static_cast<std::size_t>(size))), expected);
  if (answer.status().fault() != Fault::kViolation) connection_ = *std::move(connection);
  return answer;
}

}  // namespace detach
