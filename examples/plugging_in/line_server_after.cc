// A line-mode server: says every line back. One client after the other, at a port that it prints.
// STARTTLS enters TLS, STOPTLS leaves it; both are answered OK before. Arguments: CERT.pem KEY.pem
#include <sys/socket.h>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

#include "bio/backend/openssl/openssl_context.h"
#include "bio/socket/detachable_socket.h"
#include "bio/socket/tcp.h"
#include "examples/listener.h"
#include "examples/server_config.h"

namespace detach {
namespace {

constexpr std::size_t kMaxLine = 1024;
constexpr std::chrono::hours kForever(24 * 365);

class Connection {
 public:
  Connection(UniqueFd fd, TlsContext& context) : socket_(std::move(fd)), context_(context) {}

  // Says lines back until QUIT or the client's end.
  void Serve() {
    for (std::string line = ReadLine(); !line.empty() && line != "QUIT"; line = ReadLine()) {
      if (line == (under_tls_ ? "STOPTLS" : "STARTTLS")) {
        if (!Say("OK") || !SwitchTls()) return;
      } else if (!Say(line)) {
        return;
      }
    }
  }

 private:
  // What the client has sent in clear behind STARTTLS is the input of TLS, never a line
  // (CVE-2011-0411); what it has sent behind its close_notify is the next line.
  bool SwitchTls() {
    const Status switched = under_tls_ ? socket_.Detach() : socket_.Upgrade(context_);
    under_tls_ = !under_tls_;
    return switched.ok();
  }

  // The next line, without its end; empty where none comes any more. Reads nothing behind it: that
  // is the socket's, until it is known what it is.
  std::string ReadLine() {
    std::string line;
    for (std::uint8_t byte = 0; line.size() <= kMaxLine; line += static_cast<char>(byte)) {
      const Result<ReadResult> read = socket_.Read({&byte, 1});
      if (!read.ok() || read->event != ReadEvent::kBytes) return {};
      if (byte == '\n') return line;
    }
    return {};
  }

  bool Say(const std::string& line) {
    const std::string text = line + '\n';
    return socket_.Write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}).ok();
  }

  DetachableSocket socket_;
  TlsContext& context_;
  bool under_tls_ = false;
};

}  // namespace
}  // namespace detach

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto config = detach::ReadServerConfig(argv[1], argv[2]);
  if (!config.ok()) return 1;
  const auto context = detach::NewOpenSslContext(*config);
  const detach::Result<detach::Listener> listener = detach::Listen("127.0.0.1:0");
  if (!context.ok() || !listener.ok()) return 1;
  std::cout << "listening on " << listener->address << std::endl;
  for (;;) {
    detach::Result<detach::UniqueFd> client =
        detach::AcceptTcp(listener->fd.get(), detach::Deadline(detach::kForever));
    if (!client.ok()) return 1;
    detach::Connection(*std::move(client), **context).Serve();
  }
}
