#include "tests/support/scripted_backend.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "bio/record/record_header.h"

namespace detach {
namespace {

constexpr std::string_view kData = "data:";
constexpr std::string_view kAlert = "alert:";

std::string_view AsText(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void SendWord(TlsBackend::Sink& sink, std::string_view word) {
  sink.OnRecords(AsBytes(ScriptedRecord(word)));
}

}  // namespace

std::string ScriptedRecord(std::string_view word) {
  std::string record = {23, 3, 3, static_cast<char>(word.size() >> 8),
                        static_cast<char>(word.size() & 0xff)};
  return record.append(word);
}

Status ScriptedBackend::Note(std::string_view call) {
  journal_->calls.emplace_back(call);
  if (call != script_.fails_in) return {};
  return Internal("the script fails in " + script_.fails_in);
}

Status ScriptedBackend::Start(Sink& sink) noexcept {
  if (script_.role == Role::kClient) SendWord(sink, "hello");
  return Note("Start");
}

Status ScriptedBackend::Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept {
  if (Status status = Note("Receive"); !status.ok()) return status;
  const std::size_t header = record.size() > kRecordHeaderSize ? kRecordHeaderSize : 0;
  return Understand(AsText(record.subspan(header)), sink);
}

Status ScriptedBackend::Understand(std::string_view word, Sink& sink) {
  if (word.starts_with(kAlert)) {
    peer_alert_ =
        static_cast<std::uint8_t>(std::atoi(std::string(word.substr(kAlert.size())).c_str()));
    return Incompatible("the peer sent a fatal alert");
  }
  for (const std::string_view known :
       {"hello", "done", "close", "key-update", "ticket", "updated", "nothing"}) {
    if (word == known) return Report(word, sink), Status();
  }
  if (word.starts_with(kData)) return Report(word, sink), Status();
  SendWord(sink, "alert");
  return Violation("not a word of the script");
}

void ScriptedBackend::Report(std::string_view word, Sink& sink) {
  if (word == "hello") SendWord(sink, "done");
  if (word == "hello" || word == "done") sink.OnHandshakeDone();
  if (word == "key-update") SendWord(sink, "updated");
  if (word.starts_with(kData)) sink.OnPlaintext(AsBytes(word.substr(kData.size())));
  if (word != "close") return;
  if (script_.answers_close && !std::exchange(close_sent_, true)) SendWord(sink, "close");
  sink.OnCloseNotify();
}

Status ScriptedBackend::Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept {
  // As many records as it takes.
  constexpr std::size_t kMaxFragment = 16384;
  for (std::size_t done = 0; done < plaintext.size(); done += kMaxFragment) {
    const auto part = plaintext.subspan(done, std::min(kMaxFragment, plaintext.size() - done));
    SendWord(sink, std::string(kData).append(AsText(part)));
  }
  return Note("Send");
}

Status ScriptedBackend::SendCloseNotify(Sink& sink) noexcept {
  if (!std::exchange(close_sent_, true)) SendWord(sink, "close");
  return Note("SendCloseNotify");
}

Status ScriptedBackend::UpdateKeys(Sink& sink) noexcept {
  SendWord(sink, "key-update");
  return Note("UpdateKeys");
}

Result<Bytes> ScriptedBackend::Export(std::string_view label, std::span<const std::uint8_t> context,
                                      std::size_t size) const noexcept {
  Bytes exported(label.begin(), label.end());
  exported.insert(exported.end(), context.begin(), context.end());
  exported.resize(size);
  return exported;
}

}  // namespace detach
