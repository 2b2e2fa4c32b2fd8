#include "tests/interop/stacks/commands.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <utility>

#include "bio/socket/tcp.h"
#include "examples/listener.h"

namespace detach {
namespace {

constexpr std::chrono::seconds kPatience{60};

Status Answer(const std::string& answer = {}) {
  std::cout << (answer.empty() ? "ok" : "ok " + answer) << std::endl;
  return {};
}

class Commands {
 public:
  Commands(std::string stack, const NewStackEnd& new_end)
      : stack_(std::move(stack)), new_end_(new_end) {}

  // Obeys `line`, and has answered where it returns success.
  Status Obey(const std::string& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string name = line.substr(0, space);
    const std::string argument = line.substr(std::min(space + 1, line.size()));
    if (name == "version") return Answer(stack_);
    if (name == "listen") return DoListen();
    if (name == "accept") return Begin(Role::kServer, AcceptTcp(listener_.fd.get(), Soon()));
    if (name == "connect") return Begin(Role::kClient, Dial(argument));
    if (end_ == nullptr) return Misuse("no connection");
    if (name == "handshake") return DoHandshake(argument);
    if (name == "write") return Done(end_->Write(argument + "\n"));
    if (name == "read") return DoRead();
    if (name == "detach") return Done(end_->Detach());
    if (name == "answer") return DoAnswer();
    if (name == "close") return Done(end_->Close());
    if (name == "await_close") return Done(end_->AwaitClose());
    if (name != "hangup") return Misuse("no such command: " + name);
    end_.reset();
    return Answer();
  }

 private:
  static Deadline Soon() { return Deadline(kPatience); }

  static Status Done(const Status& status) { return status.ok() ? Answer() : status; }

  static Result<UniqueFd> Dial(const std::string& port) {
    return ConnectTcp("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port)), Soon());
  }

  Status DoListen() {
    Result<Listener> listener = Listen("127.0.0.1:0");
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    return Answer(listener_.address.substr(listener_.address.rfind(':') + 1));
  }

  Status Begin(Role role, Result<UniqueFd> connection) {
    if (!connection.ok()) return connection.status();
    role_ = role;
    end_ = new_end_(*std::move(connection));
    return Answer();
  }

  Status DoHandshake(const std::string& version) {
    const TlsVersion wanted = version == "1.2" ? TlsVersion::kTls12 : TlsVersion::kTls13;
    const Status status = end_->Handshake(role_, wanted);
    return status.ok() ? Answer(version) : status;
  }

  Status DoRead() {
    std::string line;
    for (;;) {
      const Result<char> byte = end_->ReadByte();
      if (!byte.ok()) return byte.status();
      if (*byte == '\n') return Answer(line);
      if (*byte == '\0') return Truncated("the end");
      line += *byte;
    }
  }

  Status DoAnswer() {
    const Status received = end_->AwaitClose();
    return received.ok() ? Done(end_->Close()) : received;
  }

  std::string stack_;
  const NewStackEnd& new_end_;
  Listener listener_;
  Role role_ = Role::kClient;
  std::unique_ptr<StackEnd> end_;
};

}  // namespace

int RunCommands(const std::string& stack, const NewStackEnd& new_end) {
  Commands commands(stack, new_end);
  for (std::string line; std::getline(std::cin, line);) {
    const Status status = commands.Obey(line);
    if (!status.ok()) std::cout << "error " << status.message() << std::endl;
  }
  return 0;
}

}  // namespace detach
