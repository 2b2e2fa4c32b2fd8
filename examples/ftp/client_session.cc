#include "examples/ftp/client_session.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

namespace detach {
namespace {

constexpr std::chrono::seconds kReplyTime(60);
constexpr int kMaxReplyLines = 100;

// The port of "229 Entering Extended Passive Mode (|||6446|)" (RFC 2428 §3).
Result<std::uint16_t> EpsvPort(std::string_view reply) {
  const std::size_t begin = reply.find("(|||");
  std::uint16_t port = 0;
  if (begin != std::string_view::npos) {
    const std::string_view digits = reply.substr(begin + 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const std::string_view rest = digits.substr(static_cast<std::size_t>(end - digits.data()));
    if (error == std::errc() && rest.starts_with("|)")) return port;
  }
  return Violation("the server's answer to EPSV names no port");
}

// A reply of several lines ends with a line that has its code and a space (RFC 959 §4.2).
bool EndsReply(std::string_view line, std::string_view first) {
  return line.size() >= 4 && line[3] == ' ' && line.substr(0, 3) == first.substr(0, 3);
}

}  // namespace

Result<FtpClient> FtpClient::Connect(const std::string& host, std::uint16_t port,
                                     TlsContext& context) {
  Result<DetachableSocket> socket = DetachableSocket::Connect(host, port);
  if (!socket.ok()) return socket.status();
  FtpClient client(host, *std::move(socket), context);
  const Result<std::string> greeting = client.Expect(220);
  if (!greeting.ok()) return greeting.status();
  return client;
}

Status FtpClient::LogIn(const Account& account) {
  const Result<std::string> ready = Command("AUTH TLS", 234);
  if (!ready.ok()) return ready.status();
  if (Status entered = control_.EnterTls(context_); !entered.ok()) return entered;
  const Result<std::string> asked = Command("USER " + account.name, 331);
  if (!asked.ok()) return asked.status();
  return Command("PASS " + account.password, 230).status();
}

Status FtpClient::Protect(Protection protection) {
  const Result<std::string> size = Command("PBSZ 0", 200);
  if (!size.ok()) return size.status();
  protection_ = protection;
  return Command(protection == Protection::kPrivate ? "PROT P" : "PROT C", 200).status();
}

Status FtpClient::LeaveTls() {
  const Result<std::string> agreed = Command("CCC", 200);
  if (!agreed.ok()) return agreed.status();
  return control_.LeaveTls();
}

Status FtpClient::List(int file) {
  return Transfer("LIST", [file](DataConnection& data) { return data.ReceiveFile(file); });
}

Status FtpClient::Download(const std::string& path, int file) {
  return Transfer("RETR " + path, [file](DataConnection& data) { return data.ReceiveFile(file); });
}

Status FtpClient::Upload(int file, const std::string& path) {
  return Transfer("STOR " + path, [file](DataConnection& data) { return data.SendFile(file); });
}

Status FtpClient::Quit() { return Command("QUIT", 221).status(); }

Status FtpClient::Transfer(const std::string& command, const Move& move) {
  if (Result<std::string> image = Command("TYPE I", 200); !image.ok()) return image.status();
  {
    Result<DataConnection> data = OpenDataConnection();
    if (!data.ok()) return data.status();
    if (Result<std::string> begun = Command(command, 150); !begun.ok()) return begun.status();
    if (Status safe = data->Protect(protection_, context_); !safe.ok()) return safe;
    if (Status moved = move(*data); !moved.ok()) return moved;
  }
  return Expect(226).status();
}

// To the host of the control connection, whatever address the server names.
Result<DataConnection> FtpClient::OpenDataConnection() {
  const Result<std::string> reply = Command("EPSV", 229);
  if (!reply.ok()) return reply.status();
  const Result<std::uint16_t> port = EpsvPort(*reply);
  if (!port.ok()) return port.status();
  Result<DetachableSocket> socket = DetachableSocket::Connect(host_, *port);
  if (!socket.ok()) return socket.status();
  return DataConnection(*std::move(socket));
}

Result<std::string> FtpClient::Command(const std::string& line, int wanted) {
  // A name with a line's end in it would be two commands.
  if (line.find_first_of("\r\n") != std::string::npos) return Misuse("a name of two lines");
  if (Status sent = control_.WriteLine(line); !sent.ok()) return sent;
  return Expect(wanted);
}

Result<std::string> FtpClient::Expect(int wanted) {
  Result<std::string> reply = ReadReply();
  if (reply.ok() && reply->substr(0, 3) != std::to_string(wanted)) {
    return Incompatible("the server said: " + *reply);
  }
  return reply;
}

// The first line of the reply.
Result<std::string> FtpClient::ReadReply() {
  const Deadline deadline(kReplyTime);
  std::string first;
  for (int number = 0; number < kMaxReplyLines; ++number) {
    Result<std::optional<std::string>> line = control_.ReadLine(deadline);
    if (!line.ok()) return line.status();
    if (!*line) return Transport("the server ended the session");
    if (number == 0) first = **line;
    if (EndsReply(**line, first)) return first;
    if (first.size() < 4 || first[3] != '-') return Violation("the server sent no reply");
  }
  return Violation("the server's reply does not end");
}

}  // namespace detach
