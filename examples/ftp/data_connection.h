// What crosses a data connection of FTP, and how its end is known.
#ifndef DETACH_EXAMPLES_FTP_DATA_CONNECTION_H_
#define DETACH_EXAMPLES_FTP_DATA_CONNECTION_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "bio/backend/tls_backend.h"
#include "bio/socket/detachable_socket.h"
#include "bio/status.h"

namespace detach {

// Protection is what PROT chose for data connections (RFC 4217 §9).
enum class Protection {
  kClear,    // C: raw; a FIN is the end, and may be anybody's
  kPrivate,  // P: TLS; only a close_notify is the end
};

// DataConnection carries one file or listing, in one direction.
class DataConnection {
 public:
  explicit DataConnection(DetachableSocket socket) : socket_(std::move(socket)) {}

  // Protect begins TLS where `protection` says so.
  Status Protect(Protection protection, TlsContext& context);

  // SendFile and SendText send everything and its end.
  Status SendFile(int file);
  Status SendText(std::string_view text);

  // ReceiveFile writes to `file` what the peer sends, up to its end. kTruncated where the
  // connection under TLS ended without a close_notify: what is in the file then is not what was
  // sent.
  Status ReceiveFile(int file);

 private:
  Status End();

  DetachableSocket socket_;
  Protection protection_ = Protection::kClear;
};

}  // namespace detach

#endif  // DETACH_EXAMPLES_FTP_DATA_CONNECTION_H_
