#include "bio/openssl_bio/record_gate_bio.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "bio/backend/openssl/openssl_backend.h"
#include "bio/openssl_bio/error_queue.h"
#include "bio/record/record_gate.h"
#include "bio/status.h"

namespace detach {
namespace {

using InfoCallback = void (*)(const SSL* ssl, int where, int value);

// What one gate BIO holds.
struct GateState {
  RecordGate gate;
  InfoCallback program_callback = nullptr;  // of the SSL itself; null: that of its SSL_CTX, if any
  // The close_notify came, with the handshake finished. From then on libssl gets nothing more, so
  // what the gate holds is the leftover. (SSL_has_pending proves nothing: since OpenSSL 3.2 it is 1
  // for the close_notify itself.)
  bool close_notify_received = false;
  // What was taken out of the gate for the program, and lies in it, once the detach was proven.
  std::optional<std::span<const std::uint8_t>> leftover;
};

GateState& StateOf(BIO* bio) { return *static_cast<GateState*>(BIO_get_data(bio)); }

int Destroy(BIO* bio) noexcept {
  if (bio == nullptr) return 0;
  delete static_cast<GateState*>(BIO_get_data(bio));
  return 1;
}

// Fill reads once from the transport. Returns what BIO_read returned.
int Fill(BIO* bio, RecordGate& gate) noexcept try {
  const std::span<std::uint8_t> space = gate.Prepare();
  const int size = BIO_read(BIO_next(bio), space.data(), static_cast<int>(space.size()));
  BIO_copy_next_retry(bio);
  if (size > 0) gate.Commit(static_cast<std::size_t>(size));
  gate.Release();
  return size;
} catch (...) {
  PutError(Internal("out of memory"));
  return -1;
}

int Read(BIO* bio, char* out, std::size_t size, std::size_t* got) noexcept {
  BIO_clear_retry_flags(bio);
  if (StateOf(bio).close_notify_received) return 0;
  RecordGate& gate = StateOf(bio).gate;
  if (gate.held() == 0) {
    if (const int result = Fill(bio, gate); result <= 0) return result;
  }
  const std::span<const std::uint8_t> bytes = gate.TakeUpTo(size);
  std::memcpy(out, bytes.data(), bytes.size());
  *got = bytes.size();
  gate.Release();
  return 1;
}

long Ctrl(BIO* bio, int command, long number, void* pointer) noexcept {
  switch (command) {
    case BIO_CTRL_PENDING:
      return static_cast<long>(StateOf(bio).gate.held() + BIO_ctrl_pending(BIO_next(bio)));
    case BIO_CTRL_EOF:
      return StateOf(bio).gate.held() > 0 ? 0 : BIO_ctrl(BIO_next(bio), command, number, pointer);
    case BIO_CTRL_GET_KTLS_SEND:
    case BIO_CTRL_GET_KTLS_RECV:
    case BIO_CTRL_DUP:
    case BIO_CTRL_PUSH:
    case BIO_CTRL_POP:
      return 0;
    default:
      return BIO_ctrl(BIO_next(bio), command, number, pointer);
  }
}

int Type() {
  static const int type = BIO_get_new_index() | BIO_TYPE_FILTER;
  return type;
}

const BIO_METHOD* Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(Type(), "record gate");
    if (made == nullptr) return made;
    BIO_meth_set_read_ex(made, Read);
    BIO_meth_set_ctrl(made, Ctrl);
    BIO_meth_set_destroy(made, Destroy);
    return made;
  }();
  return method;
}

GateState* GateOf(const SSL* ssl) {
  BIO* bio = SSL_get_rbio(ssl);
  return bio != nullptr && BIO_method_type(bio) == Type() ? &StateOf(bio) : nullptr;
}

// RFC 9846 §6: "the severity can safely be ignored"; in TLS 1.2 a fatal close_notify is an error.
bool IsCloseNotify(const SSL* ssl, int alert) {
  const bool any_level = SSL_version(ssl) >= TLS1_3_VERSION;
  return (alert & 0xff) == SSL_AD_CLOSE_NOTIFY && (any_level || alert >> 8 == SSL3_AL_WARNING);
}

void Watch(const SSL* ssl, int where, int value) noexcept {
  GateState* state = GateOf(ssl);
  if (state == nullptr) return;
  if (where == SSL_CB_READ_ALERT && IsCloseNotify(ssl, value) && SSL_is_init_finished(ssl)) {
    state->close_notify_received = true;
  }
  const InfoCallback callback = state->program_callback != nullptr
                                    ? state->program_callback
                                    : SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
  if (callback != nullptr) callback(ssl, where, value);
}

Status Attach(SSL* ssl) {
  if (Status status = CheckDetachable(ssl); !status.ok()) return status;
  BIO* transport = SSL_get_rbio(ssl);
  if (transport == nullptr) return Misuse("record gate: give the SSL its BIO first");
  if (GateOf(ssl) != nullptr) return Misuse("record gate: the SSL has one");
  if (!SSL_in_before(ssl)) return Misuse("record gate: the handshake has begun");

  auto state = std::make_unique<GateState>();
  BIO* gate = Method() == nullptr ? nullptr : BIO_new(Method());
  if (gate == nullptr) return Internal("record gate: OpenSSL is out of memory");
  state->program_callback = SSL_get_info_callback(ssl);
  BIO_set_data(gate, state.release());
  BIO_set_init(gate, 1);
  BIO_up_ref(transport);
  BIO_push(gate, transport);
  SSL_set0_rbio(ssl, gate);
  SSL_set_info_callback(ssl, Watch);
  return {};
}

// ProveDetach takes the leftover out of the gate, or says what is missing.
Result<std::span<const std::uint8_t>> ProveDetach(const SSL* ssl) {
  GateState* state = GateOf(ssl);
  if (state == nullptr) return Misuse("received detach: the SSL has no record gate");
  if (Status status = CheckDetachable(ssl); !status.ok()) return status;
  // libssl falls back to "not finished" for ever at its first fatal error, or fatal alert.
  if (!SSL_is_init_finished(ssl)) {
    return Misuse("received detach: the handshake is not finished, or TLS has failed");
  }
  if (!state->close_notify_received || (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) == 0) {
    return Misuse("received detach: the peer's close_notify has not been read");
  }
  if (!state->gate.at_boundary()) {
    return Misuse("received detach: libssl holds bytes of another record");
  }
  if (!state->leftover) state->leftover = state->gate.TakeRaw(state->gate.held());
  return *state->leftover;
}

}  // namespace
}  // namespace detach

int SSL_attach_record_gate(SSL* ssl) try {
  const detach::Status status = detach::Attach(ssl);
  if (!status.ok()) detach::PutError(status);
  return status.ok() ? 1 : 0;
} catch (...) {
  detach::PutError(detach::Internal("out of memory"));
  return 0;
}

int SSL_received_detach(SSL* ssl, const unsigned char** leftover, size_t* size) try {
  *leftover = nullptr;
  *size = 0;
  const detach::Result<std::span<const std::uint8_t>> proven = detach::ProveDetach(ssl);
  if (!proven.ok()) {
    detach::PutError(proven.status());
    return 0;
  }
  *leftover = proven->data();
  *size = proven->size();
  return 1;
} catch (...) {
  detach::PutError(detach::Internal("out of memory"));
  return 0;
}
