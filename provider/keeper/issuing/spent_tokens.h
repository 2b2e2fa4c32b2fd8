// Which tokens have been spent: a file that only grows.
#ifndef DETACH_PROVIDER_KEEPER_ISSUING_SPENT_TOKENS_H_
#define DETACH_PROVIDER_KEEPER_ISSUING_SPENT_TOKENS_H_

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "provider/keeper/issuing/sha256.h"

namespace detach {

// SpentTokens keeps a token from being taken twice: by any thread, by any keeper that has the same
// file, and by those that come after a crash. The file has a line for each, its Sha256 as text.
// May be used by any number of threads.
class SpentTokens {
 public:
  // Open opens the file at `path`, or makes it. kMisuse, beginning with the path and, where it is
  // about a line, with "path:line:column: ", where it cannot be, where it may be written by others
  // than its owner, or where it holds anything else. A last line that a crash left unfinished is
  // finished where its hash is whole, and else removed, with a line in the log: nothing has been
  // issued for it.
  static Result<std::unique_ptr<SpentTokens>> Open(const std::string& path);

  // IsSpent tells whether `token` is good no longer. kInternal where the file cannot be read.
  Result<bool> IsSpent(const Sha256& token);

  // Spend tells whether `token` was good until now. When it returns true the disk knows that it no
  // longer is. kInternal, and the token perhaps spent, where the disk does not.
  Result<bool> Spend(const Sha256& token);

 private:
  explicit SpentTokens(std::string path, UniqueFd file)
      : path_(std::move(path)), file_(std::move(file)) {}

  Status CatchUp();
  Status Take(std::string_view lines);
  Status Mend(std::string_view tail);
  Status Append(std::string_view line);
  Status Failed(const char* what) const;

  const std::string path_;
  const UniqueFd file_;
  std::mutex mutex_;
  std::set<Sha256> spent_;
  off_t known_ = 0;  // what stands before it in the file is in spent_
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_ISSUING_SPENT_TOKENS_H_
