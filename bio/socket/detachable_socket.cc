#include "bio/socket/detachable_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "bio/socket/tcp.h"

namespace detach {
namespace {

Result<DetachableSocket> Adopt(Result<UniqueFd> fd, SocketTimeouts timeouts) {
  if (!fd.ok()) return fd.status();
  return DetachableSocket(*std::move(fd), timeouts);
}

Status Late(const std::string& what, const Deadline& deadline) {
  return Transport(what + " within " + std::to_string(deadline.length().count()) + " ms");
}

}  // namespace

Result<DetachableSocket> DetachableSocket::Connect(const std::string& host, std::uint16_t port,
                                                   SocketTimeouts timeouts) {
  return Adopt(ConnectTcp(host, port, Deadline(timeouts.call)), timeouts);
}

Result<DetachableSocket> DetachableSocket::Accept(int listener, SocketTimeouts timeouts) {
  return Adopt(AcceptTcp(listener, Deadline(timeouts.call)), timeouts);
}

DetachableSocket::DetachableSocket(UniqueFd fd, SocketTimeouts timeouts)
    : fd_(std::move(fd)), timeouts_(timeouts) {}

Status DetachableSocket::Upgrade(TlsContext& context, std::optional<Deadline> deadline) {
  if (!failure_.ok()) return failure_;
  Result<std::unique_ptr<TlsBackend>> backend = context.NewBackend();
  if (!backend.ok()) return backend.status();
  const Status started = session_->Upgrade(*std::move(backend));
  if (!started.ok()) return Ended(started);
  close_notify_due_ = true;
  return AwaitHandshake(deadline.value_or(Deadline(timeouts_.call)));
}

Status DetachableSocket::AwaitHandshake(const Deadline& deadline) {
  while (session_->state().sending == Sending::kHandshake) {
    const Result<bool> filled = Fill(deadline);
    if (!filled.ok()) return filled.status();
    if (!*filled) return Fail(Late("the peer did not finish the handshake", deadline));
  }
  return Flush(deadline);
}

Status DetachableSocket::Write(std::span<const std::uint8_t> bytes,
                               std::optional<Deadline> deadline) {
  if (!failure_.ok()) return failure_;
  const Deadline until = deadline.value_or(Deadline(timeouts_.call));
  for (;;) {
    const Result<std::size_t> taken = session_->Write(bytes);
    if (!taken.ok()) return Ended(taken.status());
    bytes = bytes.subspan(*taken);
    if (Status flushed = Flush(until); !flushed.ok() || bytes.empty()) return flushed;
  }
}

Result<ReadResult> DetachableSocket::Read(std::span<std::uint8_t> bytes,
                                          std::optional<Deadline> deadline) {
  if (!failure_.ok()) return failure_;
  const Deadline until = deadline.value_or(Deadline(timeouts_.call));
  for (;;) {
    const Result<ReadResult> read = session_->Read(bytes);
    if (!read.ok()) return Ended(read.status());
    if (read->event != ReadEvent::kWantInput) {
      if (read->event == ReadEvent::kPeerDetached) close_notify_due_ = false;
      (void)Push();  // where it fails, so does the next call that sends
      return read;
    }
    const Result<bool> filled = Fill(until);
    if (!filled.ok()) return filled.status();
    if (!*filled) return Late("nothing came from the peer", until);
  }
}

Status DetachableSocket::Detach(std::optional<Deadline> deadline) {
  if (!failure_.ok()) return failure_;
  const Deadline until = deadline.value_or(Deadline(timeouts_.detach));
  if (session_->state().sending != Sending::kRaw || !close_notify_due_) {
    const Status detached = session_->Detach();
    if (!detached.ok()) return Ended(detached);
  }
  if (const Status flushed = Flush(until); !flushed.ok()) return Fail(flushed);
  return AwaitCloseNotify(until);
}

Status DetachableSocket::AwaitCloseNotify(const Deadline& deadline) {
  while (close_notify_due_) {
    std::uint8_t byte = 0;
    const Result<ReadResult> read = session_->Read({&byte, 1});
    if (!read.ok()) return Ended(read.status());
    if (read->event == ReadEvent::kPeerDetached) {
      close_notify_due_ = false;
    } else if (read->event != ReadEvent::kWantInput) {
      return Fail(Violation("the peer sent data where its close_notify was due"));
    } else if (const Result<bool> filled = Fill(deadline); !filled.ok()) {
      return filled.status();
    } else if (!*filled) {
      return Fail(Late("the peer did not answer close_notify", deadline));
    }
  }
  return {};
}

Status DetachableSocket::DetachSending(std::span<const std::uint8_t> raw,
                                       std::optional<Deadline> deadline) {
  if (!failure_.ok()) return failure_;
  const Status detached = session_->Detach();
  if (!detached.ok()) return Ended(detached);
  const Deadline until = deadline.value_or(Deadline(timeouts_.call));
  // Write queues `raw` behind the close_notify before it sends anything.
  return raw.empty() ? Flush(until) : Write(raw, until);
}

Result<DetachableSocket::Released> DetachableSocket::Release(std::optional<Deadline> deadline) {
  if (!failure_.ok()) return failure_;
  if (session_->state() != State{}) return Misuse("release: detach first, both ways");
  const Deadline until = deadline.value_or(Deadline(timeouts_.call));
  if (const Status flushed = Flush(until); !flushed.ok()) return flushed;
  Bytes leftover(session_->unread());
  std::span<std::uint8_t> space(leftover);
  while (!space.empty()) {
    const Result<ReadResult> read = session_->Read(space);
    if (!read.ok()) return read.status();
    space = space.subspan(read->size);
  }
  failure_ = Misuse("the descriptor was released");
  return Released{std::move(fd_), std::move(leftover)};
}

// Sends what the session has, as much as the kernel takes at once.
Status DetachableSocket::Push() {
  while (send_failure_.ok() && !session_->Output().empty()) {
    const std::span<const std::uint8_t> output = session_->Output();
    const ssize_t sent = send(fd_.get(), output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      session_->OutputWritten(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      return {};
    } else if (errno != EINTR) {
      send_failure_ = SystemFailure("send", errno);
    }
  }
  return send_failure_;
}

Status DetachableSocket::Flush(const Deadline& deadline) {
  for (;;) {
    if (const Status pushed = Push(); !pushed.ok()) return pushed;
    if (session_->Output().empty()) return {};
    const Result<bool> ready = WaitReady(fd_.get(), POLLOUT, deadline);
    if (!ready.ok()) return Fail(ready.status());
    if (!*ready) return Fail(Late("the peer did not take what was sent", deadline));
  }
}

// Gives the session what the transport delivers next, its end included. False: the deadline passed.
Result<bool> DetachableSocket::Fill(const Deadline& deadline) {
  for (;;) {
    (void)Push();  // where it fails, the peer's last words are still to be read
    const bool sending = send_failure_.ok() && !session_->Output().empty();
    const Result<bool> ready =
        WaitReady(fd_.get(), static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN), deadline);
    if (!ready.ok()) return Fail(ready.status());
    if (!*ready) return false;
    const Result<bool> received = Receive();
    if (!received.ok() || *received) return received;
  }
}

// False: there was nothing.
Result<bool> DetachableSocket::Receive() {
  const std::span<std::uint8_t> space = session_->ReceiveSpace();
  const ssize_t size = recv(fd_.get(), space.data(), space.size(), MSG_DONTWAIT);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return Fail(SystemFailure("recv", errno));
  }
  // The kernel reports a reset once. Where send was told, recv sees an end that is none.
  if (size == 0 && !send_failure_.ok()) return Fail(send_failure_);
  const Status taken =
      size == 0 ? session_->ReceivedEnd() : session_->Received(static_cast<std::size_t>(size));
  if (!taken.ok()) return Ended(taken);
  return true;
}

Status DetachableSocket::Fail(Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  return failure_;
}

// The session's failure may have left an alert that tells the peer why.
Status DetachableSocket::Ended(Status status) {
  (void)Push();
  return status;
}

}  // namespace detach
