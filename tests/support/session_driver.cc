#include "tests/support/session_driver.h"

#include <algorithm>
#include <span>
#include <vector>

namespace detach {
namespace {

std::string_view AsText(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void Transcript::Add(std::string_view event) {
  if (!text_.empty()) text_ += ' ';
  text_ += event;
  origin_.reset();
}

void Transcript::AddBytes(Origin origin, std::string_view bytes) {
  if (origin_ != origin) Add(origin == Origin::kTls ? "tls:" : "raw:");
  origin_ = origin;
  text_ += bytes;
}

Status Feed(TlsSession& session, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<std::uint8_t> space = session.ReceiveSpace();
    if (space.empty()) return Internal("the session takes no more input");
    const std::size_t size = std::min(space.size(), bytes.size());
    std::copy_n(bytes.begin(), size, space.begin());
    if (Status status = session.Received(size); !status.ok()) return status;
    bytes.remove_prefix(size);
  }
  return {};
}

std::string TakeOutput(TlsSession& session, std::size_t max) {
  const std::span<const std::uint8_t> output = session.Output();
  std::string taken(AsText(output.first(std::min(max, output.size()))));
  session.OutputWritten(taken.size());
  return taken;
}

void ReadAll(TlsSession& session, Transcript& transcript, std::size_t read_size) {
  std::vector<std::uint8_t> buffer(read_size);
  while (true) {
    const Result<ReadResult> result = session.Read(buffer);
    if (!result.ok()) {
      return transcript.Add("error:" + std::string(FaultName(result.status().fault())));
    }
    switch (result->event) {
      case ReadEvent::kBytes:
        transcript.AddBytes(result->origin, AsText(std::span(buffer).first(result->size)));
        break;
      case ReadEvent::kPeerDetached:
        transcript.Add("detached");
        break;
      case ReadEvent::kEnd:
        return transcript.Add("end");
      case ReadEvent::kWantInput:
        return;
    }
  }
}

std::string ReadAll(TlsSession& session, std::size_t read_size) {
  Transcript transcript;
  ReadAll(session, transcript, read_size);
  return transcript.text();
}

Status WriteText(TlsSession& session, std::string_view text) {
  const Result<std::size_t> taken =
      session.Write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (!taken.ok()) return taken.status();
  return *taken == text.size() ? Status() : Internal("the session takes no more output");
}

}  // namespace detach
