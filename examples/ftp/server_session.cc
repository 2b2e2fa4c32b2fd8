#include "examples/ftp/server_session.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace detach {
namespace {

constexpr std::chrono::minutes kIdle(5);
constexpr std::chrono::seconds kDataConnection(30);
constexpr std::chrono::seconds kCloseNotify(5);

// "VERB argument"; the verb in capitals.
std::pair<std::string, std::string> Split(const std::string& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  std::string verb = line.substr(0, space);
  std::transform(verb.begin(), verb.end(), verb.begin(),
                 [](unsigned char letter) { return std::toupper(letter); });
  return {std::move(verb), space == line.size() ? "" : line.substr(space + 1)};
}

// `ls` habits: LIST -a.
std::string WithoutOptions(const std::string& path) { return path.starts_with('-') ? "" : path; }

}  // namespace

// Every command, and whether it needs a login.
struct FtpSession::Command {
  std::string_view verb;
  bool needs_login;
  Status (FtpSession::*carry)(const std::string& argument);
};

const FtpSession::Command FtpSession::kCommands[] = {
    {"AUTH", false, &FtpSession::Auth}, {"CCC", false, &FtpSession::Ccc},
    {"USER", false, &FtpSession::User}, {"PASS", false, &FtpSession::Pass},
    {"PBSZ", false, &FtpSession::Pbsz}, {"PROT", false, &FtpSession::Prot},
    {"FEAT", false, &FtpSession::Feat}, {"SYST", false, &FtpSession::Syst},
    {"NOOP", false, &FtpSession::Noop}, {"QUIT", false, &FtpSession::Quit},
    {"PWD", true, &FtpSession::Pwd},    {"TYPE", true, &FtpSession::Type},
    {"SIZE", true, &FtpSession::Size},  {"PASV", true, &FtpSession::Pasv},
    {"EPSV", true, &FtpSession::Epsv},  {"LIST", true, &FtpSession::List},
    {"NLST", true, &FtpSession::Nlst},  {"RETR", true, &FtpSession::Retr},
    {"STOR", true, &FtpSession::Stor},
};

Status FtpSession::Run() {
  Status said = Say({220, "AUTH TLS, please."});
  while (said.ok() && !quit_) {
    const Result<std::optional<std::string>> line = control_.ReadLine(NextDeadline());
    if (!line.ok()) return line.status();
    if (!*line) return {};
    said = Carry(**line);
  }
  return said;
}

// Who has not logged in has one minute for all of it.
Deadline FtpSession::NextDeadline() const {
  return security_.logged_in() ? Deadline(kIdle) : login_deadline_;
}

Status FtpSession::Carry(const std::string& line) {
  const auto [verb, argument] = Split(line);
  for (const Command& command : kCommands) {
    if (command.verb != verb) continue;
    if (command.needs_login && !security_.logged_in()) return Say({530, "Log in first."});
    return (this->*command.carry)(argument);
  }
  return Say({502, "Not here."});
}

Status FtpSession::Say(const Reply& reply) {
  return control_.WriteLine(std::to_string(reply.code) + ' ' + reply.text);
}

Status FtpSession::Auth(const std::string& mechanism) {
  const Reply reply = security_.Auth(mechanism);
  if (Status said = Say(reply); !said.ok() || reply.code != 234) return said;
  passive_.reset();
  return control_.EnterTls(service_.context);
}

Status FtpSession::Ccc(const std::string& argument) {
  const Reply reply = security_.Ccc(argument);
  if (Status said = Say(reply); !said.ok() || reply.code != 200) return said;
  // The client begins: lftp takes a close_notify that comes before its own for the end of
  // everything.
  const Status left = control_.AnswerLeaveTls(Deadline(kCloseNotify));
  if (left.ok()) ++left_tls_;
  return left;  // what the client sent behind its close_notify is the next command
}

Status FtpSession::Feat(const std::string&) {
  for (const char* line :
       {"211-Features:", " AUTH TLS", " CCC", " EPSV", " PBSZ", " PROT", " SIZE"}) {
    if (Status said = control_.WriteLine(line); !said.ok()) return said;
  }
  return Say({211, "End."});
}

Status FtpSession::Syst(const std::string&) { return Say({215, "UNIX Type: L8"}); }

Status FtpSession::Noop(const std::string&) { return Say({200, "Yes."}); }

Status FtpSession::Quit(const std::string&) {
  quit_ = true;
  if (Status said = Say({221, "Good bye."}); !said.ok()) return said;
  return security_.under_tls() ? control_.EndTls() : Status();
}

Status FtpSession::Pwd(const std::string&) { return Say({257, "\"/\""}); }

// TYPE A is what a listing is sent in, whatever TYPE says (RFC 959 §3.1.1.1 has CR LF for it).
Status FtpSession::Type(const std::string& type) {
  if (type != "I" && type != "A") return Say({504, "TYPE I or TYPE A."});
  image_ = type == "I";
  return Say({200, "TYPE " + type});
}

Status FtpSession::Size(const std::string& path) {
  const Result<UniqueFd> file = service_.folder.OpenFile(path);
  if (!file.ok()) return Say({550, file.status().message()});
  struct stat entry {};
  if (fstat(file->get(), &entry) != 0) return Say({550, "no size"});
  return Say({213, std::to_string(entry.st_size)});
}

Status FtpSession::Listen() {
  Result<PassiveListener> listener = PassiveListener::Open(ends_);
  if (!listener.ok()) return listener.status();
  passive_ = *std::move(listener);
  return {};
}

Status FtpSession::Pasv(const std::string&) {
  if (Status listening = Listen(); !listening.ok()) return Say({425, listening.message()});
  const std::optional<std::string> address = passive_->PasvAddress();
  if (!address) return Say({425, "EPSV, over IPv6."});
  return Say({227, "Entering Passive Mode (" + *address + ")"});
}

// RFC 2428 §3. `protocol` is 1 or 2 where the client insists; the control connection's is all there
// is, and the client is on it.
Status FtpSession::Epsv(const std::string& protocol) {
  if (!protocol.empty() && protocol != "1" && protocol != "2") return Say({522, "Use (1,2)."});
  if (Status listening = Listen(); !listening.ok()) return Say({425, listening.message()});
  return Say(
      {229, "Entering Extended Passive Mode (|||" + std::to_string(passive_->port()) + "|)"});
}

Status FtpSession::List(const std::string& path) {
  return SendListing(path, Folder::Listing::kLong);
}

Status FtpSession::Nlst(const std::string& path) {
  return SendListing(path, Folder::Listing::kNames);
}

Status FtpSession::SendListing(const std::string& path, Folder::Listing listing) {
  const Result<std::string> text = service_.folder.List(WithoutOptions(path), listing);
  if (!text.ok()) return Say({550, text.status().message()});
  return Transfer([&](DataConnection& connection) { return connection.SendText(*text); });
}

Status FtpSession::Retr(const std::string& path) {
  if (!image_) return Say({550, "TYPE I first: bytes are sent as they are."});
  const Result<UniqueFd> file = service_.folder.OpenFile(path);
  if (!file.ok()) return Say({550, file.status().message()});
  return Transfer([&](DataConnection& connection) { return connection.SendFile(file->get()); });
}

Status FtpSession::Stor(const std::string& path) {
  if (!image_) return Say({550, "TYPE I first: bytes are stored as they are."});
  Result<Upload> upload = service_.folder.Create(path);
  if (!upload.ok()) return Say({553, upload.status().message()});
  return Transfer([&](DataConnection& connection) {
    Upload file = *std::move(upload);  // so that it is complete or gone before the reply
    const Status received = connection.ReceiveFile(file.file());
    return received.ok() ? file.Finish() : received;
  });
}

// The data connection is closed before its transfer is reported.
Status FtpSession::Transfer(const Move& move) {
  if (!passive_) return Say({425, "PASV or EPSV first."});
  if (Status said = Say({150, "Here it comes."}); !said.ok()) return said;
  const Status moved = MoveOverDataConnection(move);
  passive_.reset();
  if (!moved.ok()) return Say({426, moved.message()});
  return Say({226, "Done."});
}

Status FtpSession::MoveOverDataConnection(const Move& move) {
  Result<UniqueFd> accepted = passive_->Accept(Deadline(kDataConnection));
  if (!accepted.ok()) return accepted.status();
  DataConnection connection{DetachableSocket(*std::move(accepted))};
  if (Status safe = connection.Protect(security_.protection(), service_.context); !safe.ok()) {
    return safe;
  }
  return move(connection);
}

}  // namespace detach
