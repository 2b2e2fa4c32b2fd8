#include "bio/openssl_bio/detachable_bio.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <span>

#include "bio/openssl_bio/detachable_connection.h"
#include "bio/openssl_bio/error_queue.h"
#include "bio/status.h"

namespace detach {
namespace {

DetachableConnection& ConnectionOf(BIO* bio) {
  return *static_cast<DetachableConnection*>(BIO_get_data(bio));
}

// Guarded keeps exceptions out of C: there is none but std::bad_alloc.
template <typename Call>
auto Guarded(Call call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (...) {
    ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
    return -1;
  }
}

int Create(BIO* bio) noexcept {
  auto* connection = new (std::nothrow) DetachableConnection(bio);
  if (connection == nullptr) return 0;
  BIO_set_data(bio, connection);
  BIO_set_init(bio, 1);
  return 1;
}

int Destroy(BIO* bio) noexcept {
  if (bio == nullptr) return 0;
  delete static_cast<DetachableConnection*>(BIO_get_data(bio));
  BIO_set_data(bio, nullptr);
  return 1;
}

int Read(BIO* bio, char* out, std::size_t size, std::size_t* got) noexcept {
  if (out == nullptr) return 0;
  return Guarded([&] {
    return ConnectionOf(bio).Read({reinterpret_cast<std::uint8_t*>(out), size}, got);
  });
}

int Write(BIO* bio, const char* bytes, std::size_t size, std::size_t* taken) noexcept {
  if (bytes == nullptr) return 0;
  return Guarded([&] {
    return ConnectionOf(bio).Write({reinterpret_cast<const std::uint8_t*>(bytes), size}, taken);
  });
}

int Puts(BIO* bio, const char* text) noexcept {
  return BIO_write(bio, text, static_cast<int>(std::strlen(text)));
}

long SetSsl(BIO* bio, SSL* ssl, int close) {
  const Status status =
      ssl == nullptr ? Misuse("upgrade: there is no SSL") : ConnectionOf(bio).SetSsl(ssl, close);
  if (!status.ok()) PutError(status);
  return status.ok() ? 1 : 0;
}

long SetMode(SSL* ssl, bool client) {
  if (client) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  return 1;
}

// The copy gets an SSL of its own, which only one whose handshake has not begun allows.
long Duplicate(const DetachableConnection& connection, BIO* copy) {
  if (connection.ssl() == nullptr) return 1;
  if (connection.handshake_begun()) return 0;
  SSL* const ssl = SSL_dup(connection.ssl());
  if (ssl == nullptr) return 0;
  if (SetSsl(copy, ssl, BIO_get_shutdown(copy)) == 1) return 1;
  SSL_free(ssl);
  return 0;
}

// The ctrls that concern the SSL; without one they are 0, as with BIO_f_ssl.
long SslCtrl(BIO* bio, int command, long number, void* pointer) {
  DetachableConnection& connection = ConnectionOf(bio);
  if (command == BIO_C_SET_SSL)
    return SetSsl(bio, static_cast<SSL*>(pointer), static_cast<int>(number));
  if (connection.ssl() == nullptr) return 0;
  if (command == BIO_C_SSL_MODE) return SetMode(connection.ssl(), number != 0);
  if (pointer == nullptr) return 0;
  *static_cast<SSL**>(pointer) = connection.ssl();
  return 1;
}

long Pending(BIO* bio) {
  const std::size_t plaintext = ConnectionOf(bio).plaintext();
  return plaintext > 0 ? static_cast<long>(plaintext) : BIO_pending(BIO_next(bio));
}

long GuardedCtrl(BIO* bio, int command, long number, void* pointer) {
  DetachableConnection& connection = ConnectionOf(bio);
  BIO* const next = BIO_next(bio);
  switch (command) {
    case BIO_C_SET_SSL:
    case BIO_C_GET_SSL:
    case BIO_C_SSL_MODE:
      return SslCtrl(bio, command, number, pointer);
    case BIO_C_DO_STATE_MACHINE:
      // Raw, it may be the handshake of a BIO below: BIO_do_connect.
      if (connection.ssl() == nullptr) break;
      return connection.Handshake();
    case BIO_CTRL_RESET:
      if (!connection.Reset()) return 0;
      return next == nullptr ? 1 : BIO_ctrl(next, command, number, pointer);
    case BIO_CTRL_FLUSH:
      return connection.Flush();
    case BIO_CTRL_PENDING:
      return Pending(bio);
    case BIO_CTRL_GET_CLOSE:
      return BIO_get_shutdown(bio);
    case BIO_CTRL_SET_CLOSE:
      BIO_set_shutdown(bio, static_cast<int>(number));
      return 1;
    case BIO_CTRL_DUP:
      return Duplicate(connection, static_cast<BIO*>(pointer));
    case BIO_CTRL_PUSH:
    case BIO_CTRL_POP:
      return 1;
    case BIO_CTRL_INFO:
    case BIO_CTRL_SET_CALLBACK:
    case BIO_C_SET_SSL_RENEGOTIATE_BYTES:
    case BIO_C_SET_SSL_RENEGOTIATE_TIMEOUT:
    case BIO_C_GET_SSL_NUM_RENEGOTIATES:
      return 0;
    default:
      break;
  }
  const long result = BIO_ctrl(next, command, number, pointer);
  if (command == BIO_C_DO_STATE_MACHINE && next != nullptr) {
    BIO_clear_retry_flags(bio);
    BIO_copy_next_retry(bio);
  }
  return result;
}

long Ctrl(BIO* bio, int command, long number, void* pointer) noexcept {
  return Guarded([&] { return GuardedCtrl(bio, command, number, pointer); });
}

long CallbackCtrl(BIO* bio, int command, BIO_info_cb* callback) noexcept {
  if (command != BIO_CTRL_SET_CALLBACK) return 0;
  return BIO_callback_ctrl(BIO_next(bio), command, callback);
}

int Type() {
  static const int type = BIO_get_new_index() | BIO_TYPE_FILTER;
  return type;
}

BIO_METHOD* NewMethod() {
  BIO_METHOD* method = BIO_meth_new(Type(), "detachable");
  if (method == nullptr) return nullptr;
  BIO_meth_set_create(method, Create);
  BIO_meth_set_destroy(method, Destroy);
  BIO_meth_set_read_ex(method, Read);
  BIO_meth_set_write_ex(method, Write);
  BIO_meth_set_puts(method, Puts);
  BIO_meth_set_ctrl(method, Ctrl);
  BIO_meth_set_callback_ctrl(method, CallbackCtrl);
  return method;
}

int ToC(Sending sending) {
  switch (sending) {
    case Sending::kRaw:
      return BIO_DETACHABLE_RAW;
    case Sending::kHandshake:
      return BIO_DETACHABLE_HANDSHAKE;
    case Sending::kTls:
      return BIO_DETACHABLE_TLS;
    case Sending::kClosing:
      return BIO_DETACHABLE_CLOSING;
  }
  return -1;
}

int ToC(Receiving receiving) {
  switch (receiving) {
    case Receiving::kRaw:
      return BIO_DETACHABLE_RAW;
    case Receiving::kHandshake:
      return BIO_DETACHABLE_HANDSHAKE;
    case Receiving::kTls:
      return BIO_DETACHABLE_TLS;
  }
  return -1;
}

int ToC(Origin origin) { return origin == Origin::kTls ? BIO_DETACHABLE_TLS : BIO_DETACHABLE_RAW; }

// Find returns the detachable BIO of the chain that begins at `bio`; null with an error on the
// queue.
BIO* Find(BIO* bio) {
  BIO* const found = bio == nullptr ? nullptr : BIO_find_type(bio, Type());
  if (found == nullptr) PutError(Misuse("there is no detachable BIO in this chain"));
  return found;
}

// The program asks the head of its chain whether to try again.
void CopyRetryUp(BIO* head, BIO* bio) {
  for (BIO* above = head; above != bio; above = BIO_next(above)) {
    BIO_clear_retry_flags(above);
    BIO_set_flags(above, BIO_get_retry_flags(bio));
    BIO_set_retry_reason(above, BIO_get_retry_reason(bio));
  }
}

}  // namespace
}  // namespace detach

const BIO_METHOD* BIO_f_detachable(void) {
  static const BIO_METHOD* const method = detach::NewMethod();
  return method;
}

BIO* BIO_new_detachable(SSL_CTX* ctx, int client) {
  BIO* bio = BIO_new(BIO_f_detachable());
  SSL* ssl = bio == nullptr ? nullptr : SSL_new(ctx);
  if (ssl != nullptr) {
    detach::SetMode(ssl, client != 0);
    if (BIO_set_ssl(bio, ssl, BIO_CLOSE) == 1) return bio;
  }
  SSL_free(ssl);
  BIO_free(bio);
  return nullptr;
}

int BIO_upgrade(BIO* b, SSL* ssl) {
  return detach::Guarded([&] {
    BIO* const bio = detach::Find(b);
    return bio != nullptr && BIO_set_ssl(bio, ssl, BIO_CLOSE) == 1 ? 1 : 0;
  });
}

int BIO_detach(BIO* b) {
  return detach::Guarded([&] {
    BIO* const bio = detach::Find(b);
    if (bio == nullptr) return -1;
    const int result = detach::ConnectionOf(bio).Detach();
    detach::CopyRetryUp(b, bio);
    return result;
  });
}

int BIO_sending(BIO* b) {
  return detach::Guarded([&] {
    BIO* const bio = detach::Find(b);
    return bio == nullptr ? -1 : detach::ToC(detach::ConnectionOf(bio).state().sending);
  });
}

int BIO_receiving(BIO* b) {
  return detach::Guarded([&] {
    BIO* const bio = detach::Find(b);
    return bio == nullptr ? -1 : detach::ToC(detach::ConnectionOf(bio).state().receiving);
  });
}

int BIO_read_origin(BIO* b) {
  return detach::Guarded([&] {
    BIO* const bio = detach::Find(b);
    return bio == nullptr ? -1 : detach::ToC(detach::ConnectionOf(bio).origin());
  });
}
