// What Botan throws, as a Status.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_ERROR_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_ERROR_H_

#include "bio/status.h"

namespace detach {

// CurrentBotanException returns what the exception that is being handled says, and whose fault it
// was. While the peer's records are read Botan's complaints are about them (kViolation), elsewhere
// about us (kInternal). Call it in a catch block.
Status CurrentBotanException(bool reading) noexcept;

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_ERROR_H_
