// A line-mode server: says every line back. One client after the other, at a port that it prints.
#include <sys/socket.h>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

#include "bio/socket/tcp.h"
#include "examples/listener.h"

namespace detach {
namespace {

constexpr std::size_t kMaxLine = 1024;
constexpr std::chrono::hours kForever(24 * 365);

class Connection {
 public:
  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}

  // Says lines back until QUIT or the client's end.
  void Serve() {
    for (std::string line = ReadLine(); !line.empty() && line != "QUIT"; line = ReadLine()) {
      if (!Say(line)) return;
    }
  }

 private:
  // The next line, without its end; empty where none comes any more.
  std::string ReadLine() {
    std::size_t end = 0;
    while ((end = received_.find('\n')) == std::string::npos) {
      char space[kMaxLine];
      const ssize_t size = recv(fd_.get(), space, sizeof space, 0);
      if (size <= 0 || received_.size() > kMaxLine) return {};
      received_.append(space, static_cast<std::size_t>(size));
    }
    std::string line = received_.substr(0, end);
    received_.erase(0, end + 1);
    return line;
  }

  bool Say(const std::string& line) {
    const std::string text = line + '\n';
    return send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) >= 0;
  }

  UniqueFd fd_;
  std::string received_;
};

}  // namespace
}  // namespace detach

int main() {
  const detach::Result<detach::Listener> listener = detach::Listen("127.0.0.1:0");
  if (!listener.ok()) return 1;
  std::cout << "listening on " << listener->address << std::endl;
  for (;;) {
    detach::Result<detach::UniqueFd> client =
        detach::AcceptTcp(listener->fd.get(), detach::Deadline(detach::kForever));
    if (!client.ok()) return 1;
    detach::Connection(*std::move(client)).Serve();
  }
}
