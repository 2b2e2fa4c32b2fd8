// Reading the files that decide whom these programs trust: configuration, keys, trust anchors,
// CRLs.
#ifndef DETACH_PROGRAM_TRUSTED_FILE_H_
#define DETACH_PROGRAM_TRUSTED_FILE_H_

#include <string>

#include "bio/status.h"

namespace detach {

// ReadTrustedFile returns the contents of the regular file at `path`, at most 64 MiB. A file that
// its group or everybody may write is refused: whoever can write it decides whom we trust. What is
// checked is what is read: the file is opened once. Errors (kMisuse) begin with the path; where
// LimitFileAccess may be the reason, they say what is readable.
Result<std::string> ReadTrustedFile(const std::string& path);

// ReadSecretFile does the same for a private key or a passphrase, and refuses a file that everybody
// may read: a secret that lies there open is none.
Result<std::string> ReadSecretFile(const std::string& path);

// ReadSecretLine returns the first line of such a file: a passphrase, or a PIN. An empty one is an
// error too.
Result<std::string> ReadSecretLine(const std::string& path);

}  // namespace detach

#endif  // DETACH_PROGRAM_TRUSTED_FILE_H_
