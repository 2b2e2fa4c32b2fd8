// A TLS backend without cryptography whose records are words: what a session does can be read.
#ifndef DETACH_TESTS_SUPPORT_SCRIPTED_BACKEND_H_
#define DETACH_TESTS_SUPPORT_SCRIPTED_BACKEND_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bio/backend/tls_backend.h"

namespace detach {

// ScriptedRecord returns a record (type 23, version 0x0303) with `word` as its body.
std::string ScriptedRecord(std::string_view word);

// ScriptedBackend understands these words, whatever went before: it never knows better than the
// session what is legal.
//   hello       answers "done" and reports the handshake done
//   done        reports the handshake done
//   data:TEXT   reports TEXT as plaintext
//   close       reports close_notify
//   key-update  answers "updated", as TLS 1.3 does
//   ticket, updated, nothing   reports nothing
//   alert:N     fails, and peer_alert() is N
// Anything else is refused: "alert" goes out and it fails with kViolation. A client starts with
// "hello". Send, SendCloseNotify and UpdateKeys write "data:TEXT", "close" and "key-update".
class ScriptedBackend final : public TlsBackend {
 public:
  struct Script {
    Role role = Role::kClient;
    bool half_detach = true;
    bool answers_close = false;  // as Botan does over TLS 1.2
    std::string fails_in = {};   // a member's name: that call fails with kInternal
  };

  // Journal outlives the backend.
  struct Journal {
    std::vector<std::string> calls;
    bool destroyed = false;
  };

  ScriptedBackend(Script script, std::shared_ptr<Journal> journal)
      : script_(std::move(script)), journal_(std::move(journal)) {}
  ~ScriptedBackend() override { journal_->destroyed = true; }

  Status Start(Sink& sink) noexcept override;
  Status Receive(std::span<const std::uint8_t> record, Sink& sink) noexcept override;
  Status Send(std::span<const std::uint8_t> plaintext, Sink& sink) noexcept override;
  Status SendCloseNotify(Sink& sink) noexcept override;
  Status UpdateKeys(Sink& sink) noexcept override;
  bool half_detach() const noexcept override { return script_.half_detach; }
  Result<Bytes> Export(std::string_view label, std::span<const std::uint8_t> context,
                       std::size_t size) const noexcept override;
  Result<HandshakeSummary> Summary() const noexcept override { return HandshakeSummary{}; }
  std::optional<std::uint8_t> peer_alert() const noexcept override { return peer_alert_; }

 private:
  Status Note(std::string_view call);
  Status Understand(std::string_view word, Sink& sink);
  void Report(std::string_view word, Sink& sink);

  const Script script_;
  const std::shared_ptr<Journal> journal_;
  bool close_sent_ = false;
  std::optional<std::uint8_t> peer_alert_;
};

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_SCRIPTED_BACKEND_H_
