#include "bio/openssl_bio/error_queue.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "bio/openssl_bio/detach_error.h"

namespace detach {
namespace {

int ReasonOf(Fault fault) noexcept {
  switch (fault) {
    case Fault::kViolation:
      return DETACH_R_VIOLATION;
    case Fault::kIncompatible:
      return DETACH_R_INCOMPATIBLE;
    case Fault::kTransport:
      return DETACH_R_TRANSPORT;
    case Fault::kTruncated:
      return DETACH_R_TRUNCATED;
    case Fault::kMisuse:
      return DETACH_R_MISUSE;
    case Fault::kInternal:
    case Fault::kNone:
      break;
  }
  return DETACH_R_INTERNAL;
}

int RegisterLibrary() noexcept {
  // OpenSSL keeps the arrays, and writes the library's number into the reasons.
  static ERR_STRING_DATA reasons[] = {
      {ERR_PACK(0, 0, DETACH_R_VIOLATION), "protocol violation"},
      {ERR_PACK(0, 0, DETACH_R_INCOMPATIBLE), "no common ground"},
      {ERR_PACK(0, 0, DETACH_R_TRANSPORT), "transport failed"},
      {ERR_PACK(0, 0, DETACH_R_TRUNCATED), "connection truncated"},
      {ERR_PACK(0, 0, DETACH_R_MISUSE), "misuse"},
      {ERR_PACK(0, 0, DETACH_R_INTERNAL), "internal error"},
      {0, nullptr},
  };
  const int library = ERR_get_next_error_library();
  static ERR_STRING_DATA name[] = {{ERR_PACK(library, 0, 0), "detach"}, {0, nullptr}};
  ERR_load_strings(library, name);
  ERR_load_strings(library, reasons);
  return library;
}

}  // namespace

void PutError(const Status& status) noexcept {
  ERR_raise_data(ERR_lib_detach(), ReasonOf(status.fault()), "%s", status.message().c_str());
}

void PutErrorOfTls(const Status& status) noexcept {
  if (status.fault() == Fault::kTruncated) {
    ERR_raise_data(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING, "%s", status.message().c_str());
  } else if (status.fault() == Fault::kMisuse || ERR_peek_error() == 0) {
    PutError(status);
  }
}

}  // namespace detach

int ERR_lib_detach(void) {
  static const int library = detach::RegisterLibrary();
  return library;
}
