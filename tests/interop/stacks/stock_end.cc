#include "tests/interop/stacks/stock_end.h"

#include <sys/socket.h>

#include <cerrno>

#include "bio/socket/tcp.h"

namespace detach {

Status StockEnd::Handshake(Role role, TlsVersion version) {
  sending_tls_ = receiving_tls_ = true;
  return StartTls(role, version);
}

Status StockEnd::Write(std::string_view bytes) {
  if (sending_tls_) return WriteTls(bytes);
  // One short line: the kernel takes it whole.
  const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent < 0 ? SystemFailure("send", errno) : Status();
}

Result<char> StockEnd::ReadByte() {
  if (receiving_tls_) return ReadTls();
  char byte = '\0';
  if (!leftover_.empty()) {
    byte = leftover_.front();
    leftover_.erase(0, 1);
  } else if (recv(fd_.get(), &byte, 1, 0) < 0) {
    return SystemFailure("recv", errno);
  }
  return byte;
}

Status StockEnd::Detach() {
  const Status left = LeaveTls();
  sending_tls_ = receiving_tls_ = false;
  Left();
  return left;
}

Status StockEnd::Close() {
  const Status sent = SendCloseNotify();
  sending_tls_ = false;
  Left();
  return sent;
}

Status StockEnd::AwaitClose() {
  const Status received = ReceiveCloseNotify();
  receiving_tls_ = false;
  Left();
  return received;
}

void StockEnd::Left() {
  if (!sending_tls_ && !receiving_tls_) leftover_ = EndTls();
}

}  // namespace detach
