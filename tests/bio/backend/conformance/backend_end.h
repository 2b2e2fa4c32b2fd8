// A backend alone, without a session, and what came out of it.
#ifndef DETACH_TESTS_BIO_BACKEND_CONFORMANCE_BACKEND_END_H_
#define DETACH_TESTS_BIO_BACKEND_CONFORMANCE_BACKEND_END_H_

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/record/record_gate.h"

namespace detach {

// Recorder is a sink that keeps everything, and throws when it is told to.
class Recorder final : public TlsBackend::Sink {
 public:
  void OnRecords(std::span<const std::uint8_t> bytes) override {
    Throw("OnRecords");
    records.insert(records.end(), bytes.begin(), bytes.end());
  }
  void OnPlaintext(std::span<const std::uint8_t> bytes) override {
    Throw("OnPlaintext");
    plaintext.append(bytes.begin(), bytes.end());
  }
  void OnHandshakeDone() override {
    Throw("OnHandshakeDone");
    ++handshakes_done;
  }
  void OnCloseNotify() override {
    Throw("OnCloseNotify");
    ++close_notifies;
  }

  Bytes records;
  std::string plaintext;
  int handshakes_done = 0;
  int close_notifies = 0;
  std::string throws_in;

 private:
  void Throw(const char* member) const {
    if (throws_in == member) throw std::bad_alloc();
  }
};

struct BackendEnd {
  std::unique_ptr<TlsBackend> backend;
  Recorder sink;
  Status status;
};

inline Bytes Text(std::string_view text) { return {text.begin(), text.end()}; }

// Pass delivers the records that `from` has written to `to`, each in memory that is spoilt as soon
// as the call has returned: a backend may keep nothing.
inline void Pass(BackendEnd& from, BackendEnd& to) {
  RecordGate gate;
  Bytes wire = std::exchange(from.sink.records, {});
  std::size_t sent = 0;
  while (to.status.ok()) {
    sent += gate.Append(std::span(wire).subspan(sent));
    const auto record = gate.TakeRecord();
    if (record.empty()) return;
    Bytes spoilt(record.begin(), record.end());
    to.status = to.backend->Receive(spoilt, to.sink);
    std::ranges::fill(spoilt, std::uint8_t{0xee});
  }
}

}  // namespace detach

#endif  // DETACH_TESTS_BIO_BACKEND_CONFORMANCE_BACKEND_END_H_
